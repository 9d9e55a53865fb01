"""Trouble as a page that says what happened and what to do; what nobody expected is logged and excused."""

from __future__ import annotations

import re
from dataclasses import dataclass

import structlog
from flask import Flask, current_app, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from portal.core.errors import PortalError
from portal.web.context import SAFE_METHODS, actor_or_none, close_db, guard_of, student_or_none
from portal.web.guards import API_PREFIX, own_path, to_login
from portal.web.languages import in_words

log = structlog.get_logger()
SECRET = re.compile("pass|secret|token|key", re.IGNORECASE)  # fields whose input is never shown again


@dataclass(frozen=True)
class Trouble:
    title: str
    text: str


def init_errors(app: Flask) -> None:
    app.register_error_handler(PortalError, show_portal_error)
    app.register_error_handler(CSRFError, show_expired_form)
    app.register_error_handler(RateLimitExceeded, show_too_often)
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(Exception, show_surprise)


def show_portal_error(error: PortalError) -> ResponseReturnValue:
    """Where the person came from a form of ours, back there with the message; else a page."""
    close_db()
    back = own_path(request.headers.get("Referer"))
    if request.method not in SAFE_METHODS and back and is_known() and "HX-Request" not in request.headers:
        flash(in_words(error), "error")
        return redirect(back, 303)
    return page_of(Trouble(title_of(error.status), in_words(error)), error.status)


def is_known() -> bool:
    return actor_or_none() is not None or student_or_none() is not None


def is_open() -> bool:
    """True where nobody has to be logged in."""
    guard = guard_of(current_app.view_functions[request.endpoint]) if request.endpoint else None
    return guard is not None and (guard.public or guard.student)


def title_of(status: int) -> str:
    titles = {
        403: _("This is not open to you"),
        404: _("There is nothing here"),
        409: _("This has changed meanwhile"),
        422: _("Something is not right yet"),
        502: _("The work ended with an error"),
        503: _("Something does not answer"),
    }
    return str(titles.get(status, _("This did not work")))


def show_expired_form(error: CSRFError) -> ResponseReturnValue:
    """A form that lay open for too long. The person's input is shown again, so that nothing is lost."""
    close_db()
    if actor_or_none() is None and not is_open():
        return to_login()
    kept = [
        (name, value[:5000])
        for name, value in request.form.items(multi=True)
        if name != "csrf_token" and not SECRET.search(name) and value.strip()
    ]
    back = own_path(request.headers.get("Referer"))
    return render_template("errors/expired.html", kept=kept[:40], back=back), 400


def show_too_often(error: RateLimitExceeded) -> ResponseReturnValue:
    wait = _("Please wait a minute and try again.")
    if request.endpoint == "join.join":
        wait = _("Too many wrong codes came from here. Please wait ten minutes and try again, or tell your teacher.")
    return page_of(Trouble(_("Too many tries"), wait), 429)


def show_http_error(error: HTTPException) -> ResponseReturnValue:
    if request.path.startswith(API_PREFIX) or (error.code or 500) < 400:
        return error
    texts = {
        403: _("Your account may not open this page."),
        404: _("The address may be mistyped, or what was here is gone."),
        405: _("This address does not understand this kind of call."),
        413: _("That was too large."),
    }
    status = error.code or 500
    text = texts.get(status, _("The portal could not understand the browser. Please go back and try again."))
    return page_of(Trouble(title_of(status), text), status)


def show_surprise(error: Exception) -> ResponseReturnValue:
    log.exception("surprise", path=request.path, method=request.method)
    close_db()
    text = _("This is our fault, not yours. It was written down. Please try again in a while.")
    return page_of(Trouble(_("Something went wrong"), text), 500)


def page_of(trouble: Trouble, status: int) -> ResponseReturnValue:
    page = "errors/fragment.html" if "HX-Request" in request.headers else "errors/trouble.html"
    return render_template(page, trouble=trouble, status=status), status
