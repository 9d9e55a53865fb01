"""Large classes that wait for a decision: their cards in the queue, the page of one, approving and denying."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.policy import Permission
from portal.models import LabSession
from portal.services import class_approvals, class_decision_cards
from portal.services.class_decision_cards import ClassCard
from portal.web.class_links import title_of
from portal.web.context import actor, db, now, permission, site
from portal.web.forms.approvals import ClassDecisionForm, DenialForm
from portal.web.languages import in_words

bp = Blueprint("class_approvals", __name__, url_prefix="/approvals/classes")


def waiting_cards() -> list[ClassCard]:
    """Of the whole queue."""
    reserve_hosts = site().settings.reserve_hosts
    return class_decision_cards.waiting(db(), actor=actor(), now=now(), reserve_hosts=reserve_hosts)


@bp.get("/<uuid:lab_session_id>")
@permission(Permission.APPROVE)
def show(lab_session_id: UUID) -> ResponseReturnValue:
    lab_session = load(lab_session_id)
    try:
        return page(lab_session, DenialForm(formdata=None))
    except NotFound:  # the letter's link stays good: it says what became of it
        return render_template("approvals/class_decided.html", lab_session=lab_session, title=title_of(lab_session))


def load(lab_session_id: UUID) -> LabSession:
    lab_session = db().get(LabSession, lab_session_id)
    if lab_session is None or not actor().may(Permission.APPROVE, lab_session.department_id):
        raise NotFound(class_approvals.NOT_THERE)
    return lab_session


def page(lab_session: LabSession, denial: DenialForm) -> str:
    reserve_hosts = site().settings.reserve_hosts
    card = class_decision_cards.card(
        db(), actor=actor(), lab_session=lab_session, now=now(), reserve_hosts=reserve_hosts
    )
    return render_template("approvals/class.html", card=card, denial=denial, title_of=title_of)


@bp.post("/<uuid:lab_session_id>/approve")
@permission(Permission.APPROVE)
def approve(lab_session_id: UUID) -> ResponseReturnValue:
    form = ClassDecisionForm()
    settings = site().settings
    try:
        decided = class_approvals.approve(
            db(),
            actor=actor(),
            lab_session_id=lab_session_id,
            now=now(),
            comment=form.comment.data or "",
            seen=seen_in_form(),
            base_url=settings.base_url,
            timezone=settings.timezone,
        )
    except Conflict as error:
        return back_to_queue(error)
    db().commit()
    flash(_("“%(name)s” of %(who)s is approved.", name=title_of(decided[0]), who=decided[0].teacher.name), "success")
    return redirect(url_for("approvals.queue"), 303)


@bp.post("/<uuid:lab_session_id>/deny")
@permission(Permission.APPROVE)
def deny(lab_session_id: UUID) -> ResponseReturnValue:
    lab_session, form, settings = load(lab_session_id), DenialForm(), site().settings
    if not form.validate_on_submit():
        return page(lab_session, form), 422
    try:
        class_approvals.deny(
            db(),
            actor=actor(),
            lab_session_id=lab_session_id,
            reason=form.reason.data or "",
            now=now(),
            seen=seen_in_form(),
            base_url=settings.base_url,
            timezone=settings.timezone,
        )
    except Invalid as error:
        db().rollback()
        form.add_problem(error.field, in_words(error))
        return page(load(lab_session_id), form), 422
    except Conflict as error:
        return back_to_queue(error)
    db().commit()
    name, who = title_of(lab_session), lab_session.teacher.name
    flash(_("“%(name)s” is denied; %(who)s reads why.", name=name, who=who), "info")
    return redirect(url_for("approvals.queue"), 303)


def back_to_queue(error: Conflict) -> ResponseReturnValue:
    """Somebody was faster, or the teacher has changed it: the queue shows how things stand now."""
    db().rollback()
    flash(in_words(error), "warning")
    return redirect(url_for("approvals.queue"), 303)


def seen_in_form() -> datetime | None:
    """The moment of the question that the person has read."""
    try:
        seen = datetime.fromisoformat(request.form.get("seen", "")[:40])
    except ValueError:
        return None
    return seen if seen.tzinfo is not None else None
