"""Seats that are there after their class: kept at its end, ended in time or early, taken away as whole classes are."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotFound
from portal.core.lifecycle import KeepingState, SeatState, WorkflowState
from portal.core.policy import Actor
from portal.interfaces import WorkflowQueue
from portal.models import Keeping, LabSession, Seat, Student, Workflow
from portal.services import keeping_holds, keepings, seats, workflows
from portal.services.keepings import Terms, note

NOT_ANSWERED = N_("Nobody had answered when the class ended.")
NO_MACHINES = N_("There were no machines to keep when the class ended: they were being made anew.")
TRIED_AGAIN_AFTER = timedelta(minutes=1)
NOT_KEPT = N_("This seat is not kept any more.")


def keep_granted(db: Session, lab_session: LabSession, *, now: datetime) -> int:
    """The class ends in this transaction: seats that were promised become kept, all other questions are over."""
    kept = 0
    for keeping in keepings.of_class(db, lab_session.id):
        if keeping.state == KeepingState.ASKED:
            keeping.move_to(KeepingState.OVER, trouble=NOT_ANSWERED)
        elif keeping.state == KeepingState.GRANTED:
            kept += keep(db, keeping, now)
    return kept


def keep(db: Session, keeping: Keeping, now: datetime) -> bool:
    seat = seats.seat_of(db, keeping.student_id)
    if seat is None or seat.state != SeatState.TAKEN or seat.host_id is None:
        keeping.move_to(KeepingState.OVER, trouble=NO_MACHINES)
        return False
    seat.move_to(SeatState.KEPT)
    seat.teacher_here = False
    keeping.move_to(KeepingState.KEPT)
    keeping.seat_id = seat.id
    until = keeping.until_at.isoformat(timespec="minutes") if keeping.until_at else ""
    note(db, keeping, "keeping.kept", by=None, now=now, seat=seat.number, until=until)
    return True


def end_early(db: Session, *, actor: Actor, keeping_id: UUID, queue: WorkflowQueue, now: datetime) -> None:
    """By who teaches the class, or manages labs."""
    keeping, _lab_session = keepings.held(db, actor, keeping_id)
    end(db, keeping, by=actor, queue=queue, now=now)


def give_back(db: Session, *, student: Student, queue: WorkflowQueue, now: datetime) -> None:
    """The student needs the kept seat no more; their key ends with it."""
    seats.held_session(db, student.lab_session_id)
    keeping = keepings.of_student(db, student.id)
    if keeping is None:
        raise NotFound(keepings.NO_SUCH)
    end(db, keeping, by=None, queue=queue, now=now)


def end(db: Session, keeping: Keeping, *, by: Actor | None, queue: WorkflowQueue, now: datetime) -> None:
    """Its student's key, consoles and doors end at once; then all that the seat has is taken away."""
    if keeping.state != KeepingState.KEPT:
        raise Conflict(NOT_KEPT)
    if keeping_holds.is_held(db, keeping.id):
        raise Conflict(keeping_holds.HELD)
    move_over(db, keeping, by=by, queue=queue, now=now)


def move_over(db: Session, keeping: Keeping, *, by: Actor | None, queue: WorkflowQueue, now: datetime) -> None:
    keeping.move_to(KeepingState.OVER)
    keeping.ended_at = now
    note(db, keeping, "keeping.ended", by=by, now=now)
    seats.bump(db, keeping.lab_session_id)
    clear(db, keeping, queue=queue, now=now)


def clear(db: Session, keeping: Keeping, *, queue: WorkflowQueue, now: datetime) -> Workflow | None:
    """Take the seat away; None while other work on it has to stop first: the clock comes again."""
    assert keeping.seat_id is not None  # noqa: S101 - only seats that were kept are cleared
    latest = workflows.latest_of(db, keeping.seat_id)
    if latest is not None and latest.state in workflows.LIVE:
        if latest.kind != "end_keeping":
            workflows.ask_cancel(db, workflow_id=latest.id, now=now)
        return None
    return workflows.begin(db, kind="end_keeping", subject_id=keeping.seat_id, queue=queue, now=now, clean_up=True)


def end_due(db: Session, *, queue: WorkflowQueue, now: datetime, terms: Terms, base_url: str = "") -> int:
    """Seats whose time is over end, unless a request still needs them (services/keeping_holds.py).

    What could not be taken away is tried again until nothing is left.
    """
    due = select(Keeping).where(Keeping.state == KeepingState.KEPT, Keeping.until_at <= now)
    ended = 0
    for keeping in list(db.scalars(due.with_for_update(of=Keeping, skip_locked=True))):
        if keeping_holds.hold(db, keeping, terms=terms, queue=queue, now=now, base_url=base_url):
            continue
        move_over(db, keeping, by=None, queue=queue, now=now)
        ended += 1
    left = select(Keeping).join(Seat, Seat.id == Keeping.seat_id).where(Keeping.state == KeepingState.OVER)
    left = left.where(Seat.state != SeatState.GONE)
    for keeping in list(db.scalars(left.with_for_update(of=Keeping, skip_locked=True))):
        ended += clear_again(db, keeping, queue, now)
    return ended


def clear_again(db: Session, keeping: Keeping, queue: WorkflowQueue, now: datetime) -> bool:
    latest = workflows.latest_of(db, keeping.seat_id) if keeping.seat_id else None
    if latest is None or latest.kind != "end_keeping" or latest.state in workflows.LIVE:
        return clear(db, keeping, queue=queue, now=now) is not None
    if latest.state != WorkflowState.FAILED or latest.ended_at is None or latest.ended_at + TRIED_AGAIN_AFTER > now:
        return False
    workflows.retry(db, workflow_id=latest.id, queue=queue, now=now)
    return True


def of_class(db: Session, lab_session_id: UUID) -> list[Keeping]:
    """Those of a class that are there now, by the end of their time."""
    query = select(Keeping).where(Keeping.lab_session_id == lab_session_id, Keeping.state == KeepingState.KEPT)
    return list(db.scalars(query.order_by(Keeping.until_at, Keeping.id)))


def of_seat(db: Session, seat_id: UUID) -> Keeping | None:
    """Also when it is over and the seat is being taken away."""
    return db.scalar(select(Keeping).where(Keeping.seat_id == seat_id))


def is_kept(db: Session, student_id: UUID) -> bool:
    keeping = keepings.of_student(db, student_id)
    return keeping is not None and keeping.state == KeepingState.KEPT
