"""A department's subscription to another one's lab: begun, moved to a newer version, ended."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.policy import Permission
from portal.services import departments, lab_subscriptions, labs
from portal.web.context import actor, db, now, permission
from portal.web.languages import LANGUAGES, current_language

bp = Blueprint("lab_subscriptions", __name__, url_prefix="/labs")


@bp.post("/<slug>/subscriptions/<uuid:department_id>")
@permission(Permission.TEACH)
def subscribe(slug: str, department_id: UUID) -> ResponseReturnValue:
    """To the version that the person has looked at."""
    version = request.form.get("version", 0, type=int)
    lab_subscriptions.subscribe(
        db(), actor=actor(), slug=slug, version=version, now=now(), department_id=department_id
    )  # fmt: skip
    db().commit()
    flash(_("Your department teaches version %(version)s of this lab from now on.", version=version), "success")
    return redirect(url_for("labs.show", slug=slug), 303)


@bp.get("/<slug>/subscriptions/<uuid:department_id>/end")
@permission(Permission.TEACH)
def ask_unsubscribe(slug: str, department_id: UUID) -> ResponseReturnValue:
    offer = labs.get(db(), actor=actor(), slug=slug)
    department = departments.by_id(db(), department_id)
    title = offer.title.read(current_language()) if offer.title else slug
    return render_template(
        "components/confirm.html",
        title=_("End the subscription?"),
        text=_("%(department)s books no new classes of “%(lab)s” any more.", department=department.name, lab=title),
        note=_("Classes that are booked take place."),
        words=_("End the subscription"),
        danger=True,
        action=url_for("lab_subscriptions.unsubscribe", slug=slug, department_id=department_id),
        back=url_for("labs.show", slug=slug),
    )


@bp.post("/<slug>/subscriptions/<uuid:department_id>/end")
@permission(Permission.TEACH)
def unsubscribe(slug: str, department_id: UUID) -> ResponseReturnValue:
    lab_subscriptions.unsubscribe(db(), actor=actor(), slug=slug, now=now(), department_id=department_id)
    db().commit()
    flash(_("The subscription has ended."), "success")
    return redirect(url_for("labs.index"), 303)


@bp.get("/<slug>/news")
@permission(Permission.TEACH)
def news(slug: str) -> ResponseReturnValue:
    """What the newest version changes in the guide, for who has an older one."""
    offer = labs.get(db(), actor=actor(), slug=slug)
    wanted = request.args.get("guide", "")
    language = wanted if wanted in LANGUAGES else current_language()
    known = offer.version.version if offer.version else 0
    changes = None
    if offer.version is not None and offer.newest is not None:
        changes = lab_subscriptions.changes_of_guide(offer.version, offer.newest, language)
    return render_template(
        "lab_subscriptions/news.html",
        offer=offer,
        news=lab_subscriptions.news(db(), actor=actor(), slug=slug, after=known),
        changes=changes,
        guide_language=language,
        standing=lab_subscriptions.standing(db(), actor=actor(), slug=slug),
    )
