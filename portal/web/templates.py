"""VM templates, for administrators: what is wrong with a folder, which disks were built, what is missing."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from portal.core.policy import Permission
from portal.services import templates
from portal.web.context import actor, db, permission

bp = Blueprint("templates", __name__, url_prefix="/templates")


@bp.get("")
@permission(Permission.MANAGE_TEMPLATES)
def index() -> ResponseReturnValue:
    offers = templates.catalogue(db(), actor=actor())
    broken_first = sorted(offers, key=lambda offer: (not offer.errors, offer.orderable, offer.slug))
    return render_template("templates/index.html", offers=broken_first)


@bp.get("/<slug>")
@permission(Permission.MANAGE_TEMPLATES)
def show(slug: str) -> ResponseReturnValue:
    offer = templates.get(db(), actor=actor(), slug=slug)
    versions = templates.versions(db(), actor=actor(), slug=slug)
    return render_template("templates/show.html", offer=offer, versions=versions)
