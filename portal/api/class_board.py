"""/lab-sessions/<id>/...: what a teacher does with a class: prepare, open, reset, tell, lock, end."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from portal.api.auth import permission
from portal.api.context import actor, now, site, writing
from portal.api.lab_session_views import lab_session_out
from portal.api.schemas.lab_sessions import LabSessionOut, LockIn, MessageIn, ResetIn, ResetOut
from portal.api.schemas.seats import CheckIn
from portal.core.errors import N_, NotFound
from portal.core.lifecycle import SeatState
from portal.core.policy import Permission
from portal.services import lab_sessions, seats, teaching

bp = APIBlueprint("class_board", __name__, url_prefix="/lab-sessions/<uuid:lab_session_id>", tag="Classes")


@bp.post("/prepare")
@bp.output(LabSessionOut)
@bp.doc(summary="Make its seats now", operation_id="prepare_lab_session")
@permission(Permission.TEACH)
def prepare(lab_session_id: UUID) -> LabSessionOut:
    """It is done by itself in time; this is for who wants them earlier."""
    with writing() as db:
        lab_session = lab_sessions.locked(db, actor(), lab_session_id)
        teaching.prepare(db, lab_session=lab_session, queue=site().queue, now=now(), by=actor())
        return lab_session_out(lab_session)


@bp.post("/open")
@bp.output(LabSessionOut)
@bp.doc(summary="Begin before the hour", operation_id="open_lab_session")
@permission(Permission.TEACH)
def open_class(lab_session_id: UUID) -> LabSessionOut:
    with writing() as db:
        return lab_session_out(teaching.open_class(db, actor=actor(), lab_session_id=lab_session_id, now=now()))


@bp.post("/reset")
@bp.input(ResetIn, arg_name="wish")
@bp.output(ResetOut)
@bp.doc(summary="Begin seats again", operation_id="reset_lab_session")
@permission(Permission.TEACH)
def reset(lab_session_id: UUID, wish: ResetIn) -> ResetOut:
    """All that somebody sits at, or those named by number. What was done on them is lost."""
    with writing() as db:
        wanted = None if wish.seats is None else [seat_id_of(db, lab_session_id, number) for number in wish.seats]
        begun = teaching.reset_seats(
            db, actor=actor(), lab_session_id=lab_session_id, seat_ids=wanted, queue=site().queue, now=now()
        )
    return ResetOut(begun=begun)


def seat_id_of(db: Session, lab_session_id: UUID, number: int) -> UUID:
    lab_sessions.get(db, actor=actor(), lab_session_id=lab_session_id)
    for seat in seats.seats_of(db, lab_session_id, (SeatState.BUILDING, SeatState.READY, SeatState.TAKEN)):
        if seat.number == number:
            return seat.id
    raise NotFound(N_("There is no such seat in this class."), field="seats")


@bp.post("/message")
@bp.input(MessageIn, arg_name="message")
@bp.output(LabSessionOut)
@bp.doc(summary="Tell everybody", operation_id="tell_lab_session")
@permission(Permission.TEACH)
def message(lab_session_id: UUID, message: MessageIn) -> LabSessionOut:
    with writing() as db:
        teaching.tell_all(db, actor=actor(), lab_session_id=lab_session_id, text=message.text, now=now())
        return lab_session_out(lab_sessions.get(db, actor=actor(), lab_session_id=lab_session_id))


@bp.post("/lock")
@bp.input(LockIn, arg_name="wish")
@bp.output(LabSessionOut)
@bp.doc(summary="Let students look and not type, or type again", operation_id="lock_lab_session")
@permission(Permission.TEACH)
def lock(lab_session_id: UUID, wish: LockIn) -> LabSessionOut:
    with writing() as db:
        teaching.set_lock(db, actor=actor(), lab_session_id=lab_session_id, locked=wish.locked, now=now())
        return lab_session_out(lab_sessions.get(db, actor=actor(), lab_session_id=lab_session_id))


@bp.post("/step")
@bp.input(CheckIn, arg_name="wish")
@bp.output(ResetOut)
@bp.doc(summary="Bring everybody to the beginning of a step", operation_id="bring_lab_session")
@permission(Permission.TEACH)
def step(lab_session_id: UUID, wish: CheckIn) -> ResetOut:
    """What a student has not done before it is done for them. Says how many seats were begun."""
    with writing() as db:
        begun = teaching.bring_all(
            db, actor=actor(), lab_session_id=lab_session_id, step=wish.step, queue=site().queue, now=now()
        )
        return ResetOut(begun=begun)


@bp.post("/end")
@bp.output(LabSessionOut, status_code=202)
@bp.doc(summary="End it", operation_id="end_lab_session")
@permission(Permission.TEACH)
def end(lab_session_id: UUID) -> LabSessionOut:
    """Everybody is sent out, and its machines are taken away. A preparation under way is asked to stop first."""
    with writing() as db:
        lab_session = lab_sessions.locked(db, actor(), lab_session_id)
        teaching.end_class(db, actor=actor(), lab_session=lab_session, queue=site().queue, now=now())
        return lab_session_out(lab_session)
