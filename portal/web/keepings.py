"""Keeping seats after a class: who teaches decides, prolongs and ends; students ask, take back and give back."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.core.errors import NotFound
from portal.core.policy import Permission
from portal.models import Keeping
from portal.services import keepings, kept_seats
from portal.services.keepings import terms_of
from portal.web.class_board import act, confirm, own
from portal.web.class_room import to_class
from portal.web.class_views import view_of_class
from portal.web.context import actor, db, now, permission, site, student, student_page

bp = Blueprint("keepings", __name__)
OF_CLASS = "/classes/<uuid:lab_session_id>/keepings/<uuid:keeping_id>"


def in_class(lab_session_id: UUID, keeping_id: UUID) -> Keeping:
    own(lab_session_id)
    keeping = db().get(Keeping, keeping_id)
    if keeping is None or keeping.lab_session_id != lab_session_id:
        raise NotFound(keepings.NO_SUCH)
    return keeping


def wanted_days() -> int:
    return request.form.get("days", 0, type=int)


@bp.post(f"{OF_CLASS}/grant")
@permission(Permission.TEACH)
def grant(lab_session_id: UUID, keeping_id: UUID) -> ResponseReturnValue:
    def work() -> None:
        in_class(lab_session_id, keeping_id)
        keepings.grant(
            db(), actor=actor(), keeping_id=keeping_id, days=wanted_days(), terms=terms_of(site().settings), now=now()
        )

    return act(lab_session_id, work, _("The seat will be kept, and its room with it."))


@bp.post(f"{OF_CLASS}/decline")
@permission(Permission.TEACH)
def decline(lab_session_id: UUID, keeping_id: UUID) -> ResponseReturnValue:
    def work() -> None:
        in_class(lab_session_id, keeping_id)
        keepings.decline(db(), actor=actor(), keeping_id=keeping_id, now=now())

    return act(lab_session_id, work, _("The student reads that the seat will not be kept."))


@bp.post(f"{OF_CLASS}/prolong")
@permission(Permission.TEACH)
def prolong(lab_session_id: UUID, keeping_id: UUID) -> ResponseReturnValue:
    def work() -> None:
        in_class(lab_session_id, keeping_id)
        keepings.prolong(
            db(), actor=actor(), keeping_id=keeping_id, days=wanted_days(), terms=terms_of(site().settings), now=now()
        )

    return act(lab_session_id, work, _("The seat is kept for longer."))


@bp.get(f"{OF_CLASS}/end")
@permission(Permission.TEACH)
def ask_end(lab_session_id: UUID, keeping_id: UUID) -> ResponseReturnValue:
    keeping = in_class(lab_session_id, keeping_id)
    return confirm(
        lab_session_id,
        title=_("Delete the seat of %(name)s?", name=keeping.student.name),
        text=_("Its machines are deleted now with everything on them. This cannot be undone."),
        words=_("Delete the seat"),
        action=url_for("keepings.end", lab_session_id=lab_session_id, keeping_id=keeping_id),
    )


@bp.post(f"{OF_CLASS}/end")
@permission(Permission.TEACH)
def end(lab_session_id: UUID, keeping_id: UUID) -> ResponseReturnValue:
    def work() -> None:
        in_class(lab_session_id, keeping_id)
        kept_seats.end_early(db(), actor=actor(), keeping_id=keeping_id, queue=site().queue, now=now())

    return act(lab_session_id, work, _("The seat is being taken away."))


def of_student(work: Callable[[], object]) -> ResponseReturnValue:
    work()
    db().commit()
    if "HX-Request" in request.headers:
        return render_template("class_room/_keeping.html", view=view_of_class())
    return to_class()


@bp.post("/class/keep")
@student_page
def ask() -> ResponseReturnValue:
    words = request.form.get("words", "")
    return of_student(lambda: keepings.ask(db(), student=student(), words=words, now=now()))


@bp.post("/class/keep/withdraw")
@student_page
def withdraw() -> ResponseReturnValue:
    return of_student(lambda: keepings.withdraw(db(), student=student(), now=now()))


@bp.get("/class/keep/give-back")
@student_page
def ask_give_back() -> str:
    return render_template(
        "components/confirm.html",
        title=_("Give your machines back?"),
        text=_("They are deleted now with everything on them, and your link opens nothing any more."),
        action=url_for("keepings.give_back"),
        back=url_for("class_room.show"),
        words=_("Yes, delete them"),
        danger=True,
    )


@bp.post("/class/keep/give-back")
@student_page
def give_back() -> ResponseReturnValue:
    return of_student(lambda: kept_seats.give_back(db(), student=student(), queue=site().queue, now=now()))
