"""What the clock does with classes: prepares, begins and ends them, and tries again what failed."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from portal.core.lifecycle import LabSessionState, SeatState, WorkflowState
from portal.models import Workflow
from portal.services import class_clock, lab_sessions, teaching
from tests.factories.classes import make_lab_session, make_seat, teacher_of
from tests.factories.moments import NOW
from tests.factories.queues import ListQueue

State = LabSessionState


def test_a_class_is_prepared_when_its_time_has_come_and_once(db: Session) -> None:
    queue = ListQueue()
    due = make_lab_session(db, state=State.BOOKED, starts_at=NOW, prepare_at=NOW - timedelta(minutes=15))
    make_lab_session(db, state=State.BOOKED, starts_at=NOW + timedelta(hours=2), prepare_at=NOW + timedelta(hours=1))
    assert class_clock.prepare_due(db, queue=queue, now=NOW) == 1
    assert class_clock.prepare_due(db, queue=queue, now=NOW) == 0
    assert due.state == State.PREPARING
    assert [entry[0] for entry in queue.entries] == ["prepare_class"]


def test_a_preparation_that_failed_is_tried_again_after_a_minute(db: Session) -> None:
    queue = ListQueue()
    lab_session = make_lab_session(db, state=State.BOOKED, prepare_at=NOW)
    class_clock.prepare_due(db, queue=queue, now=NOW)
    failed = db.get_one(Workflow, lab_session.workflow_id)
    failed.state, failed.ended_at = WorkflowState.FAILED, NOW
    assert class_clock.prepare_due(db, queue=queue, now=NOW + timedelta(seconds=59)) == 0
    assert class_clock.prepare_due(db, queue=queue, now=NOW + timedelta(seconds=61)) == 1
    assert lab_session.workflow_id != failed.id


def test_a_class_that_is_ready_begins_at_its_hour(db: Session) -> None:
    lab_session = make_lab_session(db, state=State.READY, starts_at=NOW)
    early = make_lab_session(db, state=State.READY, starts_at=NOW + timedelta(minutes=1))
    assert class_clock.begin_due(db, now=NOW) == 1
    assert (lab_session.state, lab_session.opened_at, early.state) == (State.RUNNING, NOW, State.READY)


def test_ending_a_class_that_is_being_prepared_stops_its_preparation(db: Session) -> None:
    lab_session, queue = make_lab_session(db, state=State.BOOKED, prepare_at=NOW), ListQueue()
    class_clock.prepare_due(db, queue=queue, now=NOW)
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
    assert class_clock.end_due(db, queue=queue, now=NOW) == 1
    assert class_clock.end_due(db, queue=queue, now=NOW) == 0
    assert lab_session.state == State.ENDED


def test_what_could_not_be_taken_away_is_tried_again(db: Session) -> None:
    queue = ListQueue()
    lab_session = make_lab_session(db, ends_at=NOW)
    make_seat(db, lab_session)
    class_clock.end_due(db, queue=queue, now=NOW)
    failed = db.get_one(Workflow, lab_session.workflow_id)
    failed.state, failed.ended_at = WorkflowState.FAILED, NOW
    assert class_clock.end_due(db, queue=queue, now=NOW + timedelta(minutes=2)) == 1


def test_a_class_that_nobody_prepared_is_closed_with_a_word(db: Session) -> None:
    lab_session = make_lab_session(db, state=State.BOOKED, ends_at=NOW)
    class_clock.end_due(db, queue=ListQueue(), now=NOW)
    assert lab_session.state == State.CANCELLED
    assert "no worker" in lab_session.trouble


def test_a_class_that_is_cancelled_while_it_is_ready_is_taken_away(db: Session) -> None:
    lab_session, queue = make_lab_session(db, state=State.READY, starts_at=NOW + timedelta(minutes=10)), ListQueue()
    make_seat(db, lab_session)
    lab_sessions.cancel(db, actor=teacher_of(lab_session), lab_session_id=lab_session.id, now=NOW)
    assert class_clock.end_due(db, queue=queue, now=NOW) == 1
    assert class_clock.end_due(db, queue=queue, now=NOW) == 0
    assert [(entry[0], entry[2]) for entry in queue.entries] == [("end_class", str(lab_session.id))]
    assert lab_session.state == State.CANCELLED


def test_a_cancelled_class_without_seats_needs_no_work(db: Session) -> None:
    lab_session, queue = make_lab_session(db, state=State.BOOKED, starts_at=NOW + timedelta(minutes=10)), ListQueue()
    lab_sessions.cancel(db, actor=teacher_of(lab_session), lab_session_id=lab_session.id, now=NOW)
    assert class_clock.end_due(db, queue=queue, now=NOW) == 0
    assert queue.entries == []


def test_what_a_cancelled_class_left_waits_for_its_preparation_to_stop(db: Session) -> None:
    lab_session, queue = make_lab_session(db, state=State.BOOKED, prepare_at=NOW), ListQueue()
    class_clock.prepare_due(db, queue=queue, now=NOW)
    make_seat(db, lab_session, state=SeatState.BUILDING)
    lab_sessions.cancel(db, actor=teacher_of(lab_session), lab_session_id=lab_session.id, now=NOW)
    assert class_clock.end_due(db, queue=queue, now=NOW) == 0
    db.get_one(Workflow, lab_session.workflow_id).state = WorkflowState.CANCELLED
    assert class_clock.end_due(db, queue=queue, now=NOW) == 1
    assert queue.entries[-1][0] == "end_class"
