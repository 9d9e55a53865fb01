"""Seats kept after their class: students ask with their key, who teaches the class decides, prolongs and ends."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from portal.api.auth import permission, student_call
from portal.api.context import actor, now, reading, site, student, writing
from portal.api.languages import said
from portal.api.schemas.keepings import DaysIn, KeepIn, KeepingOut, KeepingsOut, OwnKeepingOut
from portal.core.errors import NotFound
from portal.core.policy import Permission
from portal.models import Keeping, Student
from portal.services import keepings, kept_seats, lab_sessions
from portal.services.keepings import terms_of

bp = APIBlueprint("keepings", __name__, tag="Classes")
OF_CLASS = "/lab-sessions/<uuid:lab_session_id>/keepings"
ONE = f"{OF_CLASS}/<uuid:keeping_id>"


@bp.get("/seat/keep")
@bp.output(OwnKeepingOut)
@bp.doc(summary="What came of asking to keep one's seat", operation_id="get_own_keeping", tags=["Students"])
@student_call
def show_own() -> OwnKeepingOut:
    with reading() as db:
        return own_out(own(db, student(db)))


@bp.post("/seat/keep")
@bp.input(KeepIn, arg_name="wish")
@bp.output(OwnKeepingOut)
@bp.doc(summary="Ask to keep one's seat after the class", operation_id="ask_to_keep_seat", tags=["Students"])
@student_call
def ask(wish: KeepIn) -> OwnKeepingOut:
    """While the class goes on. Asked twice it is one question with new words."""
    with writing() as db:
        return own_out(keepings.ask(db, student=student(db), words=wish.words, now=now()))


@bp.delete("/seat/keep")
@bp.output(OwnKeepingOut)
@bp.doc(summary="Take the question back", operation_id="withdraw_keeping", tags=["Students"])
@student_call
def withdraw() -> OwnKeepingOut:
    """Changes nothing of a seat that is kept already: that one is given back."""
    with writing() as db:
        asking = student(db)
        keepings.withdraw(db, student=asking, now=now())
        return own_out(own(db, asking))


@bp.post("/seat/give-back")
@bp.output(OwnKeepingOut, status_code=202)
@bp.doc(summary="Give a kept seat back", operation_id="give_seat_back", tags=["Students"])
@student_call
def give_back() -> OwnKeepingOut:
    """Its machines are deleted with everything on them, and the key opens nothing any more."""
    with writing() as db:
        giving = student(db)
        kept_seats.give_back(db, student=giving, queue=site().queue, now=now())
        return own_out(own(db, giving))


def own(db: Session, asking: Student) -> Keeping:
    keeping = keepings.of_student(db, asking.id)
    if keeping is None:
        raise NotFound(keepings.NO_SUCH)
    return keeping


@bp.get(OF_CLASS)
@bp.output(KeepingsOut)
@bp.doc(summary="Who asks to keep a seat, and what is kept", operation_id="list_keepings")
@permission(Permission.TEACH)
def index(lab_session_id: UUID) -> KeepingsOut:
    with reading() as db:
        lab_sessions.get(db, actor=actor(), lab_session_id=lab_session_id)
        return KeepingsOut(items=[keeping_out(one) for one in keepings.of_class(db, lab_session_id)])


@bp.post(f"{ONE}/grant")
@bp.input(DaysIn, arg_name="wish")
@bp.output(KeepingOut)
@bp.doc(summary="Keep the seat for some days", operation_id="grant_keeping")
@permission(Permission.TEACH)
def grant(lab_session_id: UUID, keeping_id: UUID, wish: DaysIn) -> KeepingOut:
    """If its room is proven for all of them; else 409 says how many days fit. Granted again, the days are changed."""
    with writing() as db:
        wanted = in_class(db, lab_session_id, keeping_id)
        terms = terms_of(site().settings)
        return keeping_out(keepings.grant(db, actor=actor(), keeping_id=wanted, days=wish.days, terms=terms, now=now()))


@bp.post(f"{ONE}/decline")
@bp.output(KeepingOut)
@bp.doc(summary="Do not keep the seat", operation_id="decline_keeping")
@permission(Permission.TEACH)
def decline(lab_session_id: UUID, keeping_id: UUID) -> KeepingOut:
    """It can still be granted until the class ends."""
    with writing() as db:
        wanted = in_class(db, lab_session_id, keeping_id)
        return keeping_out(keepings.decline(db, actor=actor(), keeping_id=wanted, now=now()))


@bp.post(f"{ONE}/prolong")
@bp.input(DaysIn, arg_name="wish")
@bp.output(KeepingOut)
@bp.doc(summary="Keep a kept seat for longer", operation_id="prolong_keeping")
@permission(Permission.TEACH)
def prolong(lab_session_id: UUID, keeping_id: UUID, wish: DaysIn) -> KeepingOut:
    with writing() as db:
        wanted = in_class(db, lab_session_id, keeping_id)
        terms = terms_of(site().settings)
        return keeping_out(
            keepings.prolong(db, actor=actor(), keeping_id=wanted, days=wish.days, terms=terms, now=now())
        )


@bp.post(f"{ONE}/end")
@bp.output(KeepingOut, status_code=202)
@bp.doc(summary="Delete a kept seat now", operation_id="end_keeping")
@permission(Permission.TEACH)
def end(lab_session_id: UUID, keeping_id: UUID) -> KeepingOut:
    """Its machines are deleted with everything on them; the student's key ends at once."""
    with writing() as db:
        wanted = in_class(db, lab_session_id, keeping_id)
        kept_seats.end_early(db, actor=actor(), keeping_id=wanted, queue=site().queue, now=now())
        return keeping_out(db.get_one(Keeping, wanted))


def in_class(db: Session, lab_session_id: UUID, keeping_id: UUID) -> UUID:
    lab_sessions.get(db, actor=actor(), lab_session_id=lab_session_id)
    keeping = db.get(Keeping, keeping_id)
    if keeping is None or keeping.lab_session_id != lab_session_id:
        raise NotFound(keepings.NO_SUCH)
    return keeping.id


def fields_of(keeping: Keeping) -> dict[str, Any]:
    return {
        "state": keeping.state,
        "words": keeping.words,
        "asked_at": keeping.asked_at,
        "until_at": keeping.until_at,
        "trouble": said(keeping.trouble, keeping.trouble_params) or None,
    }


def own_out(keeping: Keeping) -> OwnKeepingOut:
    return OwnKeepingOut(**fields_of(keeping))


def keeping_out(keeping: Keeping) -> KeepingOut:
    return KeepingOut(**fields_of(keeping), id=keeping.id, student=keeping.student.name, seat=keeping.seat_id)
