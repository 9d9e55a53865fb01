"""Rehearsals asked for and begun by the clock: who may, when there is room, and in the evening one after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, NoCapacity, NotFound
from portal.core.lifecycle import LabSessionState, WorkflowState
from portal.core.policy import Actor, Role
from portal.models import LabSession, Mail, Rehearsal, Template, Workflow
from portal.services import lab_sessions, rehearsals, teaching
from portal.services.lab_sessions import Wish
from tests.factories import actor_for, make_host
from tests.factories.lab_sessions import make_taught_lab
from tests.factories.moments import NOW
from tests.factories.queues import ListQueue

TOMORROW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
EVENING = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # six o'clock in Madrid
HOUR = timedelta(hours=1)


@pytest.fixture
def tom(db: Session) -> Actor:
    """Tom teaches, on a cluster that carries 32 seats with a host lost."""
    for number in (1, 2, 3):
        make_host(db, f"hv{number}")
    make_taught_lab(db)
    return actor_for(db, "tom", role=Role.TEACHER)


def book(db: Session, actor: Actor, starts_at: datetime = TOMORROW, seats: int = 5, now: datetime = NOW) -> LabSession:
    wish = Wish("wiki-page", (starts_at,), minutes=60, seats=seats)
    return lab_sessions.book(db, actor=actor, wish=wish, now=now)[0]


def ask(db: Session, actor: Actor, lab_session: LabSession, now: datetime = NOW) -> Rehearsal:
    return rehearsals.ask(db, actor=actor, lab_session_id=lab_session.id, queue=ListQueue(), now=now)


def evening(db: Session, now: datetime = EVENING) -> Rehearsal | None:
    return rehearsals.begin_due(db, queue=ListQueue(), now=now, base_url="https://vivero.example")


def letters(db: Session) -> list[str]:
    return [mail.subject for mail in db.query(Mail)]


def test_a_rehearsal_that_is_asked_for_is_queued_once(db: Session, tom: Actor) -> None:
    lab_session, queue = book(db, tom), ListQueue()
    rehearsal = rehearsals.ask(db, actor=tom, lab_session_id=lab_session.id, queue=queue, now=NOW)
    assert queue.entries == [("rehearse_class", rehearsal.workflow_id, str(rehearsal.id))]
    with pytest.raises(Conflict):
        ask(db, tom, lab_session)


def test_nobody_rehearses_the_class_of_another(db: Session, tom: Actor) -> None:
    lab_session = book(db, tom)
    with pytest.raises(NotFound):
        ask(db, actor_for(db, "eve", role=Role.TEACHER), lab_session)


def test_a_class_that_is_being_prepared_is_not_rehearsed(db: Session, tom: Actor) -> None:
    lab_session = book(db, tom)
    lab_session.move_to(LabSessionState.PREPARING)
    with pytest.raises(Conflict):
        ask(db, tom, lab_session)


def test_a_rehearsal_takes_no_room_from_a_class_that_is_on(db: Session, tom: Actor) -> None:
    soon = NOW + timedelta(minutes=20)
    book(db, tom, soon, seats=29)  # with its spares all that there is
    with pytest.raises(NoCapacity):
        ask(db, tom, book(db, tom))


def test_while_a_rehearsal_goes_on_no_class_gets_its_seat(db: Session, tom: Actor) -> None:
    ask(db, tom, book(db, tom))
    with pytest.raises(NoCapacity):
        book(db, tom, NOW + timedelta(minutes=20), seats=29)
    assert book(db, tom, NOW + timedelta(minutes=60), seats=29)


def test_in_the_evening_the_classes_of_tomorrow_are_rehearsed_one_after_the_other(db: Session, tom: Actor) -> None:
    second, first = book(db, tom, TOMORROW + 3 * HOUR), book(db, tom, TOMORROW)
    book(db, tom, TOMORROW + timedelta(days=1))
    begun = []
    for _ in range(3):
        rehearsal = evening(db, EVENING)
        assert evening(db, EVENING) is None  # while one goes on
        if rehearsal is not None:
            rehearsal.ended_at = EVENING
            begun.append(rehearsal.lab_session_id)
    assert begun == [first.id, second.id]


def test_before_the_evening_nothing_is_rehearsed_by_itself(db: Session, tom: Actor) -> None:
    book(db, tom)
    assert evening(db, EVENING - timedelta(minutes=1)) is None


def test_a_class_for_which_there_is_no_room_now_holds_up_no_other(db: Session, tom: Actor) -> None:
    book(db, tom, EVENING + timedelta(minutes=20), seats=29)
    book(db, tom)
    assert evening(db, EVENING) is None
    assert evening(db, EVENING + 2 * HOUR) is not None


def test_what_failed_is_rolled_back_after_a_minute(db: Session, tom: Actor) -> None:
    rehearsal, queue = ask(db, tom, book(db, tom)), ListQueue()
    workflow = db.get_one(Workflow, rehearsal.workflow_id)
    workflow.state, workflow.ended_at = WorkflowState.FAILED, NOW
    assert rehearsals.clear_due(db, queue=queue, now=NOW + timedelta(seconds=59)) == 0
    assert rehearsals.clear_due(db, queue=queue, now=NOW + timedelta(seconds=61)) == 1
    assert db.get_one(Workflow, rehearsal.workflow_id).state == WorkflowState.CANCELLING


def test_the_preparation_asks_the_rehearsal_to_stop(db: Session, tom: Actor) -> None:
    lab_session = book(db, tom)
    rehearsal = ask(db, tom, lab_session)
    teaching.prepare(db, lab_session=lab_session, queue=ListQueue(), now=NOW, by=None)
    assert db.get_one(Workflow, rehearsal.workflow_id).state == WorkflowState.CANCELLED


def test_who_found_no_room_all_evening_is_told_once(db: Session, tom: Actor) -> None:
    night = EVENING + 5 * HOUR
    book(db, tom, night + timedelta(minutes=20), seats=29)
    lab_session = book(db, tom)
    assert evening(db, night - timedelta(seconds=1)) is None
    assert letters(db) == []
    assert evening(db, night) is None
    assert evening(db, night) is None
    latest = rehearsals.newest(db, lab_session.id)
    assert len(letters(db)) == 1
    assert latest is not None
    assert (latest.trouble, latest.is_green, latest.ended_at) == (rehearsals.NO_ROOM, False, night)


def test_a_class_whose_template_is_gone_is_told_at_once(db: Session, tom: Actor) -> None:
    lab_session = book(db, tom)
    db.get_one(Template, "micro-linux").spec = None
    assert evening(db) is None
    latest = rehearsals.newest(db, lab_session.id)
    assert len(letters(db)) == 1
    assert latest is not None
    assert not latest.is_green
