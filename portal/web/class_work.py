"""What students ask of their seats: sit down, check a step, begin again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict
from portal.core.lifecycle import SeatState
from portal.models import Seat, Student
from portal.services import students


def seat_of(db: Session, student_id: UUID) -> Seat | None:
    return db.scalar(select(Seat).where(Seat.student_id == student_id))


def sit_down(db: Session, student: Student, now: datetime) -> Seat | None:
    """Give the student a seat if the class goes on and one is ready; the guide opens at its first step."""
    lab_session = students.class_with(db, student)
    if lab_session.state not in students.AT_WORK:
        return None
    seat = seat_of(db, student.id)
    if seat is None:
        free = select(Seat).where(Seat.lab_session_id == lab_session.id, Seat.state == SeatState.READY)
        seat = db.scalars(free.order_by(Seat.number).limit(1).with_for_update(of=Seat)).first()
        if seat is None:
            return None
        seat.student_id = student.id
        seat.move_to(SeatState.TAKEN)
        students.bump(db, lab_session.id)
    if not student.step:
        students.open_step(db, student, students.spec_of(lab_session).steps[0].slug, now)
    return seat


def check_step(student_id: UUID, step: str) -> None:
    raise Conflict(N_("Steps cannot be checked yet."))


def ask_reset(db: Session, student: Student, now: datetime) -> None:
    raise Conflict(N_("Seats cannot begin again yet."))
