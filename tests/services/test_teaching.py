"""What a teacher and the clock do with a class: prepare, begin, lock, tell, reset, end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.policy import Role
from portal.models import AuditEntry, LabSession, Seat
from portal.services import seats, students, teaching, workflows
from tests.factories import actor_for
from tests.factories.classes import make_lab_session, make_seat, make_student, teacher_of
from tests.factories.moments import NOW
from tests.factories.queues import ListQueue

State = LabSessionState


def actions(db: Session) -> list[str]:
    return [entry.action for entry in db.query(AuditEntry).order_by(AuditEntry.id)]


def test_a_teacher_begins_earlier(db: Session) -> None:
    lab_session = make_lab_session(db, state=State.READY, starts_at=NOW + timedelta(minutes=10))
    teaching.open_class(db, actor=teacher_of(lab_session), lab_session_id=lab_session.id, now=NOW)
    assert lab_session.state == State.RUNNING
    assert "lab_session.opened" in actions(db)


@pytest.mark.parametrize("state", [State.BOOKED, State.PREPARING, State.RUNNING, State.ENDED])
def test_only_a_class_that_is_ready_is_begun(db: Session, state: LabSessionState) -> None:
    lab_session = make_lab_session(db, state=state)
    with pytest.raises(Conflict):
        teaching.open_class(db, actor=teacher_of(lab_session), lab_session_id=lab_session.id, now=NOW)


def test_the_end_takes_everything_away(db: Session) -> None:
    lab_session, queue = make_lab_session(db), ListQueue()
    teaching.end_class(db, actor=teacher_of(lab_session), lab_session=lab_session, queue=queue, now=NOW)
    assert (lab_session.state, lab_session.ended_at) == (State.ENDED, NOW)
    assert [entry[0] for entry in queue.entries] == ["end_class"]


def test_locking_and_a_message_reach_everybody_and_the_log(db: Session) -> None:
    lab_session = make_lab_session(db)
    actor = teacher_of(lab_session)
    teaching.set_lock(db, actor=actor, lab_session_id=lab_session.id, locked=True, now=NOW)
    teaching.tell_all(db, actor=actor, lab_session_id=lab_session.id, text="  Look  at me ", now=NOW)
    assert (lab_session.locked, lab_session.notice) == (True, "Look at me")
    assert "lab_session.locked" in actions(db)


def test_a_message_that_is_too_long_is_refused_beside_its_field(db: Session) -> None:
    lab_session = make_lab_session(db)
    with pytest.raises(Invalid) as caught:
        teaching.tell_all(db, actor=teacher_of(lab_session), lab_session_id=lab_session.id, text="x" * 501, now=NOW)
    assert caught.value.field == "text"


def test_resetting_all_begins_again_where_somebody_sits(db: Session) -> None:
    lab_session, queue = make_lab_session(db), ListQueue()
    taken = make_seat(db, lab_session, number=1, student=make_student(db, lab_session))
    free = make_seat(db, lab_session, number=2)
    begun = teaching.reset_seats(
        db, actor=teacher_of(lab_session), lab_session_id=lab_session.id, seat_ids=None, queue=queue, now=NOW
    )
    assert begun == 1
    assert (taken.state, free.state) == (SeatState.BUILDING, SeatState.READY)


def test_a_reset_never_touches_a_seat_of_another_class(db: Session) -> None:
    lab_session, other = make_lab_session(db), make_lab_session(db)
    foreign = make_seat(db, other, student=make_student(db, other))
    begun = teaching.reset_seats(
        db,
        actor=teacher_of(lab_session),
        lab_session_id=lab_session.id,
        seat_ids=[foreign.id],
        queue=ListQueue(),
        now=NOW,
    )
    assert begun == 0
    assert foreign.state == SeatState.TAKEN


def seated(db: Session, lab_session: LabSession, number: int, name: str) -> Seat:
    return make_seat(db, lab_session, number=number, student=make_student(db, lab_session, name))


def bring(db: Session, lab_session: LabSession, queue: ListQueue, step: str = "touch") -> int:
    return teaching.bring_all(
        db, actor=teacher_of(lab_session), lab_session_id=lab_session.id, step=step, queue=queue, now=NOW
    )


def test_everybody_who_sits_somewhere_is_brought_to_the_step(db: Session) -> None:
    lab_session, queue = make_lab_session(db), ListQueue()
    taken = [seated(db, lab_session, 1, "María"), seated(db, lab_session, 2, "Noor")]
    make_seat(db, lab_session, number=3)
    assert bring(db, lab_session, queue) == 2
    assert {(entry[0], entry[2]) for entry in queue.entries} == {("bring_seat", str(seat.id)) for seat in taken}
    assert lab_session.catch_up_step == "touch"
    assert "lab_session.brought" in actions(db)


def test_a_seat_that_is_made_anew_is_not_brought(db: Session) -> None:
    lab_session, queue = make_lab_session(db), ListQueue()
    made, under_way = seated(db, lab_session, 1, "María"), seated(db, lab_session, 2, "Noor")
    seats.ask_reset(db, seat=made, by=None, queue=ListQueue(), now=NOW)
    workflows.begin(db, kind="bring_seat", subject_id=under_way.id, queue=ListQueue(), now=NOW)
    assert bring(db, lab_session, queue) == 0
    assert queue.entries == []


def test_nobody_is_brought_to_a_step_that_is_not_there(db: Session) -> None:
    lab_session, queue = make_lab_session(db), ListQueue()
    seated(db, lab_session, 1, "María")
    with pytest.raises(NotFound):
        bring(db, lab_session, queue, "nonsense")
    assert (queue.entries, lab_session.catch_up_step) == ([], "")


@pytest.mark.parametrize("state", [State.BOOKED, State.PREPARING, State.ENDED, State.CANCELLED])
def test_nobody_is_brought_anywhere_while_the_class_is_not_on(db: Session, state: LabSessionState) -> None:
    with pytest.raises(Conflict):
        bring(db, make_lab_session(db, state=state), ListQueue())


def test_a_student_is_let_in_again_by_a_new_key_alone(db: Session) -> None:
    lab_session = make_lab_session(db)
    student = make_student(db, lab_session, key="the old one")
    key = teaching.let_in_again(
        db, actor=teacher_of(lab_session), lab_session_id=lab_session.id, student_id=student.id, now=NOW
    )
    assert students.student_of(db, key) is student
    assert students.student_of(db, "the old one") is None
    entry = db.query(AuditEntry).where(AuditEntry.action == "student.let_in").one()
    assert entry.details == {"student": student.name}
    assert key not in str(vars(entry))


def test_a_student_of_another_class_is_not_let_in_nor_confirmed_nor_lowered(db: Session) -> None:
    lab_session, other = make_lab_session(db), make_lab_session(db)
    foreign = make_student(db, other, key="hers", hand="?", hand_at=NOW)
    mine = {"actor": teacher_of(lab_session), "lab_session_id": lab_session.id, "student_id": foreign.id}
    for act in (
        lambda: teaching.let_in_again(db, **mine, now=NOW),
        lambda: teaching.confirm_step(db, **mine, step="look", now=NOW),
        lambda: teaching.lower_hand(db, **mine),
    ):
        with pytest.raises(NotFound):
            act()
    assert students.student_of(db, "hers") is foreign
    assert foreign.hand == "?"


def test_another_teacher_finds_neither_class_nor_seat(db: Session) -> None:
    lab_session = make_lab_session(db)
    seat = seated(db, lab_session, 1, "María")
    eve = actor_for(db, "eve", role=Role.TEACHER)
    for act in (
        lambda: teaching.set_lock(db, actor=eve, lab_session_id=lab_session.id, locked=True, now=NOW),
        lambda: teaching.tell_all(db, actor=eve, lab_session_id=lab_session.id, text="x", now=NOW),
        lambda: teaching.open_class(db, actor=eve, lab_session_id=lab_session.id, now=NOW),
        lambda: teaching.seat_on(db, actor=eve, seat_id=seat.id),
    ):
        with pytest.raises(NotFound):
            act()
