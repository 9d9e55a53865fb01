"""One's own account: password, language, tokens for programs."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import PortalError
from portal.services import accounts, log_ins, tokens
from portal.web.context import account, actor, any_account, db, now
from portal.web.forms.accounts import OwnPasswordForm, TokenForm, departments_of
from portal.web.languages import in_words
from portal.web.sessions import Sessions

bp = Blueprint("account", __name__, url_prefix="/account")


def page(password: OwnPasswordForm, token: TokenForm, fresh: str = "") -> str:
    own = accounts.by_id(db(), actor().account_id)
    return render_template(
        "account/show.html",
        account=own,
        roles=list(departments_of(own)),
        password=password,
        token=token,
        fresh=fresh,
        tokens=tokens.living(db(), own.id, now()),
    )


@bp.get("")
@any_account
def show() -> ResponseReturnValue:
    return page(OwnPasswordForm(), TokenForm())


@bp.post("/password")
@any_account
def save_password() -> ResponseReturnValue:
    form = OwnPasswordForm()
    if not form.validate_on_submit():
        return page(form, TokenForm(formdata=None)), 422
    try:
        log_ins.change_password(
            db(),
            actor=actor(),
            old=form.old_password.data or "",
            new=form.password.data or "",
            now=now(),
            end_tokens=bool(form.end_tokens.data),
        )
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return page(form, TokenForm(formdata=None)), 422
    return stay_logged_in(_("Your password is changed. Your other log-ins have ended."))


def stay_logged_in(message: str) -> ResponseReturnValue:
    """A new password ends every log-in; this browser gets a new one at once."""
    answer = make_response(redirect(url_for("account.show"), 303))
    sessions = cast(Sessions, current_app.session_interface)
    data = {"_flashes": [("success", message)]}
    sessions.log_in(db(), answer, account_id=actor().account_id, now=now(), data=data)
    db().commit()
    return answer


@bp.post("/tokens")
@any_account
def issue_token() -> ResponseReturnValue:
    """The text of the token stands on this one answer and nowhere else."""
    form, own = TokenForm(), account()
    if not form.validate_on_submit() or own is None:
        return page(OwnPasswordForm(formdata=None), form), 422
    try:
        _token, text = tokens.issue(
            db(), actor=actor(), account=own, name=form.name.data or "", days=form.days.data or 0, now=now()
        )
    except PortalError as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return page(OwnPasswordForm(formdata=None), form), 422
    db().commit()
    return page(OwnPasswordForm(formdata=None), TokenForm(formdata=None), fresh=text)


@bp.post("/tokens/<uuid:token_id>/revoke")
@any_account
def revoke_token(token_id: UUID) -> ResponseReturnValue:
    token = tokens.revoke(db(), actor=actor(), token_id=token_id, now=now())
    db().commit()
    flash(_("The token “%(name)s” no longer opens anything.", name=token.name), "success")
    return redirect(url_for("account.show"), 303)
