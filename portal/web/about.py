"""Pages about the portal itself: is it alive, and how accessible is it."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from portal.web.context import db, public

bp = Blueprint("about", __name__)


@bp.get("/healthz")
@public
def health() -> ResponseReturnValue:
    """For monitoring: answers only when the database does."""
    db().execute(text("SELECT 1"))
    return {"status": "ok"}


@bp.get("/accessibility")
@public
def accessibility() -> ResponseReturnValue:
    return render_template("about/accessibility.html")
