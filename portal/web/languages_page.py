"""The switch between Spanish and English."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from portal.services import accounts
from portal.web.context import actor_or_none, db, public, site
from portal.web.guards import own_path
from portal.web.languages import COOKIE, LANGUAGES

bp = Blueprint("language", __name__)
YEAR_S = 365 * 24 * 3600


@bp.post("/language/<code>")
@public
def change(code: str) -> ResponseReturnValue:
    """Keep the choice in the account, or in a cookie before log-in, and show the same page again."""
    if code not in LANGUAGES:
        raise NotFound
    person = actor_or_none()
    if person:
        accounts.set_locale(db(), actor=person, locale=code)
        db().commit()
    answer = redirect(own_path(request.form.get("next")) or url_for("overview.show"), 303)
    answer.set_cookie(COOKIE, code, max_age=YEAR_S, samesite="Lax", httponly=True, secure=site().settings.is_https)
    return answer
