"""Log in and log out."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from portal.core.errors import LoginFailed
from portal.models import Account
from portal.services import log_ins
from portal.services.last_access import LastAccess, last_access
from portal.web.context import actor_or_none, any_account, db, now, public
from portal.web.formats import when
from portal.web.forms.login import LoginForm
from portal.web.guards import own_path
from portal.web.languages import REGIONS, in_words
from portal.web.limits import TRIES_OF_ADDRESS, TRIES_OF_NAME, address_and_name, limiter
from portal.web.sessions import Sessions

bp = Blueprint("login", __name__)


@bp.get("/login")
@public
def show() -> ResponseReturnValue:
    if actor_or_none():
        return redirect(url_for("overview.show"))
    return render_template("login/login.html", form=LoginForm(next=own_path(request.args.get("next"))))


@bp.post("/login")
@public
@limiter.limit(TRIES_OF_ADDRESS)
@limiter.limit(TRIES_OF_NAME, key_func=address_and_name)
def log_in() -> ResponseReturnValue:
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("login/login.html", form=form), 422
    try:
        before, account = try_log_in(str(form.login.data), str(form.password.data))
    except LoginFailed as error:
        db().commit()  # the failed try is counted
        return render_template("login/login.html", form=form, failed=in_words(error)), 422
    answer = make_response(redirect(own_path(form.next.data) or url_for("overview.show"), 303))
    session.clear()
    sessions = cast(Sessions, current_app.session_interface)
    data = {"_flashes": [("info", before)]} if before else {}
    sessions.log_in(db(), answer, account_id=account.id, now=now(), data=data)
    db().commit()
    return answer


def try_log_in(login: str, password: str) -> tuple[str, Account]:
    """The sentence about the access before is in the language of the pages that follow."""
    last = last_access(db(), login=login)
    account = log_ins.log_in(db(), login=login, password=password, now=now())
    with force_locale(REGIONS.get(account.locale, account.locale)):
        return in_a_sentence(last), account


def in_a_sentence(last: LastAccess) -> str:
    if last.login_at is None:
        return str(_("Welcome. This is the first time that this account is used."))
    if last.failed_at and last.failed_at > last.login_at:
        text = _("Last access: %(login)s. Since then somebody tried a wrong password: %(failed)s.")
        return str(text % {"login": when(last.login_at), "failed": when(last.failed_at)})
    return str(_("Last access: %(login)s.", login=when(last.login_at)))


@bp.post("/logout")
@any_account
def log_out() -> ResponseReturnValue:
    cast(Sessions, current_app.session_interface).log_out(db(), session)
    db().commit()
    flash(_("You are logged out."), "info")
    return redirect(url_for("login.show"), 303)
