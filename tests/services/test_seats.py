"""Seats: who gets which, what a reset begins, and who moves where when one fails."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict
from portal.core.lifecycle import LabSessionState, SeatState
from portal.models import AuditEntry
from portal.services import seats
from tests.factories.classes import make_lab_session, make_seat, make_student
from tests.factories.moments import NOW
from tests.factories.queues import ListQueue


def test_the_free_seat_with_the_lowest_number_is_taken(db: Session) -> None:
    lab_session = make_lab_session(db)
    for number in (2, 1):
        make_seat(db, lab_session, number=number)
    student = make_student(db, lab_session)
    seat = seats.take_seat(db, lab_session=lab_session, student=student, now=NOW)
    assert seat is not None
    assert (seat.number, seat.state, seat.student_id) == (1, SeatState.TAKEN, student.id)


def test_who_comes_back_finds_the_same_seat(db: Session) -> None:
    lab_session = make_lab_session(db)
    student = make_student(db, lab_session)
    seat = make_seat(db, lab_session, number=2, student=student)
    make_seat(db, lab_session, number=1)
    assert seats.take_seat(db, lab_session=lab_session, student=student, now=NOW) is seat


def test_each_student_gets_a_seat_of_their_own_and_the_last_one_waits(db: Session) -> None:
    lab_session = make_lab_session(db)
    for number in (1, 2):
        make_seat(db, lab_session, number=number)
    students = [make_student(db, lab_session, name) for name in ("Ada", "Grace", "Eve")]
    taken = [seats.take_seat(db, lab_session=lab_session, student=student, now=NOW) for student in students]
    assert [seat.number if seat else None for seat in taken] == [1, 2, None]


@pytest.mark.parametrize("state", [LabSessionState.PREPARING, LabSessionState.ENDED, LabSessionState.CANCELLED])
def test_nobody_sits_down_before_or_after_the_class(db: Session, state: LabSessionState) -> None:
    lab_session = make_lab_session(db, state=state)
    make_seat(db, lab_session)
    assert seats.take_seat(db, lab_session=lab_session, student=make_student(db, lab_session), now=NOW) is None


def test_a_seat_of_another_class_is_never_taken(db: Session) -> None:
    make_seat(db, make_lab_session(db))
    lab_session = make_lab_session(db)
    assert seats.take_seat(db, lab_session=lab_session, student=make_student(db, lab_session), now=NOW) is None


def test_a_reset_keeps_the_student_and_is_in_the_log(db: Session) -> None:
    lab_session, queue = make_lab_session(db), ListQueue()
    student = make_student(db, lab_session)
    seat = make_seat(db, lab_session, student=student)
    workflow = seats.ask_reset(db, seat=seat, by=None, queue=queue, now=NOW)
    assert (seat.state, seat.student_id, seat.resets) == (SeatState.BUILDING, student.id, 1)
    assert queue.entries == [("reset_seat", workflow.id, str(seat.id))]
    entry = db.query(AuditEntry).filter_by(action="seat.reset").one()
    assert entry.details == {"seat": 1, "student": "María"}


def test_a_seat_that_is_being_made_is_not_reset_again(db: Session) -> None:
    lab_session, queue = make_lab_session(db), ListQueue()
    seat = make_seat(db, lab_session)
    seats.ask_reset(db, seat=seat, by=None, queue=queue, now=NOW)
    with pytest.raises(Conflict):
        seats.ask_reset(db, seat=seat, by=None, queue=queue, now=NOW)
    assert len(queue.entries) == 1


def test_the_student_of_a_seat_that_failed_moves_to_a_free_one(db: Session) -> None:
    lab_session = make_lab_session(db)
    student = make_student(db, lab_session)
    broken = make_seat(db, lab_session, number=1, student=student)
    spare = make_seat(db, lab_session, number=2)
    assert seats.replace_seat(db, broken, "It did not answer in time.", {}, NOW) is spare
    assert (broken.state, broken.student_id, broken.trouble) == (
        SeatState.REPLACED,
        None,
        "It did not answer in time.",
    )
    assert seats.seat_of(db, student.id) is spare


def test_without_a_spare_seat_the_student_waits(db: Session) -> None:
    lab_session = make_lab_session(db)
    student = make_student(db, lab_session)
    broken = make_seat(db, lab_session, student=student)
    assert seats.replace_seat(db, broken, "It did not answer in time.", {}, NOW) is None
    assert seats.seat_of(db, student.id) is None


def test_the_class_shows_that_somebody_sat_down(db: Session) -> None:
    lab_session = make_lab_session(db)
    make_seat(db, lab_session)
    before = lab_session.revision
    seats.take_seat(db, lab_session=lab_session, student=make_student(db, lab_session), now=NOW)
    db.refresh(lab_session)
    assert lab_session.revision > before
