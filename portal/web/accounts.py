"""People, for administrators: who there is, their roles, their passwords, who is shut out."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import InvalidOrder, PortalError
from portal.core.policy import Permission
from portal.models import Account
from portal.services import accounts, log_ins, quotas, vms
from portal.web.context import actor, db, now, permission
from portal.web.forms.accounts import GrantsForm, NewAccountForm, SetPasswordForm, departments_of, grant_texts
from portal.web.languages import in_words

bp = Blueprint("accounts", __name__, url_prefix="/accounts")


@bp.get("")
@permission(Permission.MANAGE_ACCOUNTS)
def index() -> ResponseReturnValue:
    text = request.args.get("text", "").strip()[:80]
    found = accounts.listing(db(), actor=actor(), text=text, page=request.args.get("page", 1, type=int))
    return render_template("accounts/index.html", found=found, text=text, roles_of=departments_of)


def offered(form: GrantsForm) -> GrantsForm:
    form.offer(quotas.departments(db(), actor=actor(), permission=Permission.MANAGE_ACCOUNTS))
    return form


@bp.get("/new")
@permission(Permission.MANAGE_ACCOUNTS)
def new() -> ResponseReturnValue:
    return render_template("accounts/new.html", form=offered(NewAccountForm()))


@bp.post("/new")
@permission(Permission.MANAGE_ACCOUNTS)
def create() -> ResponseReturnValue:
    form = NewAccountForm()
    offered(form)
    shape_fits = form.validate_on_submit()
    try:  # also when the shape does not fit: all that is wrong is said at once
        account = accounts.create_account(
            db(),
            actor=actor(),
            login=form.login.data or "",
            name=form.name.data or "",
            email=form.email.data or "",
            password=form.password.data or "",
            grants=[] if form.grants.errors else form.chosen,
            now=now(),
            locale=form.locale.data,
        )
    except PortalError as error:
        db().rollback()
        show_faults(form, error)
        return render_template("accounts/new.html", form=form), 422
    if not shape_fits:
        db().rollback()
        return render_template("accounts/new.html", form=form), 422
    db().commit()
    flash(_("The account of %(name)s is made.", name=account.name), "success")
    return redirect(url_for("accounts.show", account_id=account.id), 303)


def show_faults(form: NewAccountForm, error: PortalError) -> None:
    """Each beside its field, unless something is said there already."""
    for one in error.errors if isinstance(error, InvalidOrder) else (error,):
        if one.field not in form.errors:
            form.add_problem(one.field, in_words(one))


def load(account_id: UUID) -> Account:
    return accounts.by_id(db(), account_id)


def page(account: Account, roles: GrantsForm, password: SetPasswordForm) -> str:
    offered(roles)
    left = vms.without_keeper(db(), actor=actor(), account=account)
    return render_template("accounts/show.html", account=account, roles=roles, password=password, left=left)


@bp.get("/<uuid:account_id>")
@permission(Permission.MANAGE_ACCOUNTS)
def show(account_id: UUID) -> ResponseReturnValue:
    account = load(account_id)
    return page(account, GrantsForm(grants=grant_texts(account)), SetPasswordForm())


@bp.post("/<uuid:account_id>/roles")
@permission(Permission.MANAGE_ACCOUNTS)
def save_roles(account_id: UUID) -> ResponseReturnValue:
    form = offered(GrantsForm())
    if not form.validate_on_submit():
        return page(load(account_id), form, SetPasswordForm(formdata=None)), 422
    try:
        account = accounts.set_grants(db(), actor=actor(), account_id=account_id, grants=form.chosen, now=now())
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return page(load(account_id), form, SetPasswordForm(formdata=None)), 422
    db().commit()
    flash(_("The roles of %(name)s are changed.", name=account.name), "success")
    return redirect(url_for("accounts.show", account_id=account_id), 303)


@bp.post("/<uuid:account_id>/password")
@permission(Permission.MANAGE_ACCOUNTS)
def save_password(account_id: UUID) -> ResponseReturnValue:
    form, account = SetPasswordForm(), load(account_id)
    try:
        if not form.validate_on_submit():
            return page(account, GrantsForm(formdata=None, grants=grant_texts(account)), form), 422
        log_ins.set_password(db(), actor=actor(), account_id=account_id, password=form.password.data or "", now=now())
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        account = load(account_id)
        return page(account, GrantsForm(formdata=None, grants=grant_texts(account)), form), 422
    db().commit()
    flash(_("The password of %(name)s is changed, and the account is not locked.", name=account.name), "success")
    return redirect(url_for("accounts.show", account_id=account_id), 303)


@bp.post("/<uuid:account_id>/active")
@permission(Permission.MANAGE_ACCOUNTS)
def save_active(account_id: UUID) -> ResponseReturnValue:
    active = request.form.get("active") == "yes"
    account = accounts.set_active(db(), actor=actor(), account_id=account_id, active=active, now=now())
    db().commit()
    if active:
        flash(_("%(name)s may log in again.", name=account.name), "success")
    else:
        flash(_("%(name)s is shut out; log-ins and tokens have ended.", name=account.name), "success")
    return redirect(url_for("accounts.show", account_id=account_id), 303)
