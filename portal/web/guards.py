"""Before each page: may this person call it? What is not marked is refused; forms need their secret token."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import abort, current_app, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from portal.core.errors import N_, NotAllowed
from portal.services import students
from portal.web.context import (
    SAFE_METHODS,
    Guard,
    actor_or_none,
    db,
    guard_of,
    own_key,
    student_or_none,
)

API_PREFIX = "/api/"  # the API has its own guard: tokens, never cookies
csrf = CSRFProtect()


def check_route() -> ResponseReturnValue | None:
    """Default deny: unmarked routes, missing log-ins, missing permissions, forms without their token."""
    if request.endpoint is None or request.endpoint == "static" or request.path.startswith(API_PREFIX):
        return None
    guard = guard_of(current_app.view_functions[request.endpoint])
    if guard is None:
        abort(403)
    refused = refuse_stranger(guard)
    if refused is not None:
        return refused
    if request.method not in SAFE_METHODS:
        csrf.protect()
    return None


def refuse_stranger(guard: Guard) -> Response | None:
    if guard.student:
        return to_join() if student_or_none() is None else None
    person = actor_or_none()
    if person is None and not guard.public:
        return to_login()
    if guard.permission and person and not person.may(guard.permission):
        raise NotAllowed(N_("Your account may not open this page."))
    return None


def to_join() -> Response:
    """Whose class is over is told so; everybody else is asked for a code."""
    key = own_key()
    return lead_to(url_for("class_room.ended" if students.was_student(db(), key) else "join.show"))


def to_login() -> Response:
    """Log in first, then come back. htmx is told to leave the page: a log-in form inside a fragment helps nobody."""
    htmx = "HX-Request" in request.headers
    wanted = request.headers.get("HX-Current-URL", "") if htmx else request.full_path
    if not htmx and request.method not in SAFE_METHODS:
        wanted = request.headers.get("Referer", "")
    return lead_to(url_for("login.show", next=own_path(wanted) or None))


def lead_to(address: str) -> Response:
    if "HX-Request" not in request.headers:
        return redirect(address, 303)
    answer = make_response("", 401)
    answer.headers["HX-Redirect"] = address
    return answer


def own_path(address: str | None) -> str:
    """The path of an address on this site, or nothing: nobody is sent elsewhere after log-in."""
    if not address:
        return ""
    parts = urlsplit(address)
    if parts.netloc and parts.netloc != request.host:
        return ""
    path = parts.path
    if not path.startswith("/") or path.startswith("//") or "\\" in address or len(address) > 500:
        return ""
    return path + (f"?{parts.query}" if parts.query else "")
