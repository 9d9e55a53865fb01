"""The first page after log-in: what waits, what runs, what ends soon."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from portal.web.context import any_account

bp = Blueprint("overview", __name__)


@bp.get("/")
@any_account
def show() -> ResponseReturnValue:
    return render_template("overview/overview.html")
