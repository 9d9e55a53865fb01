"""What a teacher and the clock do with a class: prepare, begin, lock, tell, reset, end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid
from portal.core.lifecycle import LabSessionState, SeatState, WorkflowState
from portal.core.policy import Actor
from portal.models import AuditEntry, LabSession, Workflow
from portal.services import accounts, teaching
from tests.factories.classes import make_lab_session, make_seat, make_student
from tests.factories.moments import NOW
from tests.factories.queues import ListQueue

State = LabSessionState


def teacher_of(lab_session: LabSession) -> Actor:
    return accounts.actor_of(lab_session.teacher)


def actions(db: Session) -> list[str]:
    return [entry.action for entry in db.query(AuditEntry).order_by(AuditEntry.id)]


def test_a_class_is_prepared_when_its_time_has_come_and_once(db: Session) -> None:
    queue = ListQueue()
    due = make_lab_session(db, state=State.BOOKED, starts_at=NOW, prepare_at=NOW - timedelta(minutes=15))
    make_lab_session(db, state=State.BOOKED, starts_at=NOW + timedelta(hours=2), prepare_at=NOW + timedelta(hours=1))
    assert teaching.prepare_due(db, queue=queue, now=NOW) == 1
    assert teaching.prepare_due(db, queue=queue, now=NOW) == 0
    assert due.state == State.PREPARING
    assert [entry[0] for entry in queue.entries] == ["prepare_class"]


def test_a_preparation_that_failed_is_tried_again_after_a_minute(db: Session) -> None:
    queue = ListQueue()
    lab_session = make_lab_session(db, state=State.BOOKED, prepare_at=NOW)
    teaching.prepare_due(db, queue=queue, now=NOW)
    failed = db.get_one(Workflow, lab_session.workflow_id)
    failed.state, failed.ended_at = WorkflowState.FAILED, NOW
    assert teaching.prepare_due(db, queue=queue, now=NOW + timedelta(seconds=59)) == 0
    assert teaching.prepare_due(db, queue=queue, now=NOW + timedelta(seconds=61)) == 1
    assert lab_session.workflow_id != failed.id


def test_a_class_that_is_ready_begins_at_its_hour(db: Session) -> None:
    lab_session = make_lab_session(db, state=State.READY, starts_at=NOW)
    early = make_lab_session(db, state=State.READY, starts_at=NOW + timedelta(minutes=1))
    assert teaching.begin_due(db, now=NOW) == 1
    assert (lab_session.state, lab_session.opened_at, early.state) == (State.RUNNING, NOW, State.READY)


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


def test_ending_a_class_that_is_being_prepared_stops_its_preparation(db: Session) -> None:
    lab_session, queue = make_lab_session(db, state=State.BOOKED, prepare_at=NOW), ListQueue()
    teaching.prepare_due(db, queue=queue, now=NOW)
    workflow = db.get_one(Workflow, lab_session.workflow_id)
    workflow.started_at = NOW
    ended = teaching.end_class(db, actor=None, lab_session=lab_session, queue=queue, now=NOW)
    assert ended is None
    assert workflow.state == WorkflowState.CANCELLING
    assert lab_session.state == State.PREPARING  # the workflow says when it is over


def test_classes_end_at_their_hour_and_only_once(db: Session) -> None:
    queue = ListQueue()
    lab_session = make_lab_session(db, ends_at=NOW)
    make_seat(db, lab_session)
    assert teaching.end_due(db, queue=queue, now=NOW) == 1
    assert teaching.end_due(db, queue=queue, now=NOW) == 0
    assert lab_session.state == State.ENDED


def test_what_could_not_be_taken_away_is_tried_again(db: Session) -> None:
    queue = ListQueue()
    lab_session = make_lab_session(db, ends_at=NOW)
    make_seat(db, lab_session)
    teaching.end_due(db, queue=queue, now=NOW)
    failed = db.get_one(Workflow, lab_session.workflow_id)
    failed.state, failed.ended_at = WorkflowState.FAILED, NOW
    assert teaching.end_due(db, queue=queue, now=NOW + timedelta(minutes=2)) == 1


def test_a_class_that_nobody_prepared_is_closed_with_a_word(db: Session) -> None:
    lab_session = make_lab_session(db, state=State.BOOKED, ends_at=NOW)
    teaching.end_due(db, queue=ListQueue(), now=NOW)
    assert lab_session.state == State.CANCELLED
    assert "no worker" in lab_session.trouble


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
