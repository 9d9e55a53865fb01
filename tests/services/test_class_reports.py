"""The report after a class: who came, how far they got, what the seats did, and that nothing was left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core import class_advice
from portal.core.errors import Conflict, NotFound
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.policy import Role
from portal.core.seat_signs import Sign
from portal.models import LabSession, StepResult, Student
from portal.services import accounts, audit, class_reports, retention, seats
from portal.services.class_reports import ClassReport
from portal.services.seats import subject_of
from tests.factories import actor_for, make_lab_session, make_seat, make_student
from tests.factories.moments import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture
def lab_session(db: Session) -> LabSession:
    """María is through with everything, Noor tried the first step in vain, a spare seat failed, one stayed empty."""
    row = make_lab_session(db, state=LabSessionState.ENDED, seats=3, spares=1, opened_at=NOW)
    maria = make_student(db, row, "María", seen_at=NOW + 50 * MINUTE)
    noor = make_student(db, row, "Noor", joined_at=NOW + 5 * MINUTE, seen_at=NOW + 45 * MINUTE)
    for number, student, took in ((1, maria, 4), (2, noor, 6), (3, None, 5)):
        gone = {"state": SeatState.GONE, "begun_at": NOW, "ready_at": NOW + timedelta(seconds=took), "warm": number < 3}
        make_seat(db, row, number=number, student=student, resets=number == 2, **gone)
    make_seat(db, row, number=4, state=SeatState.GONE, trouble="It did not start.", ready_at=None)
    result(db, maria, "look", tries=1, passed=10)
    result(db, maria, "touch", tries=1, passed=30)
    result(db, noor, "look", tries=9, hints=2)
    return row


def result(
    db: Session, student: Student, step: str, *, passed: int | None = None, tries: int = 0, hints: int = 0
) -> None:
    at = student.joined_at + passed * MINUTE if passed is not None else None
    db.add(
        StepResult(student_id=student.id, step=step, begun_at=student.joined_at, tries=tries, hints=hints, passed_at=at)
    )
    db.flush()


def report(db: Session, lab_session: LabSession) -> ClassReport:
    return class_reports.report_of(db, actor=accounts.actor_of(lab_session.teacher), lab_session_id=lab_session.id)


def test_it_says_who_came_and_how_long(db: Session, lab_session: LabSession) -> None:
    maria, noor = report(db, lab_session).students
    assert (maria.name, maria.seat, maria.stayed, maria.passed) == ("María", 1, 50 * MINUTE, 2)
    assert (noor.name, noor.seat, noor.stayed, noor.resets) == ("Noor", 2, 40 * MINUTE, 1)
    assert (noor.tries, noor.hints, noor.passed) == (9, 2, 0)


def test_it_says_how_long_each_step_took(db: Session, lab_session: LabSession) -> None:
    result(db, make_student(db, lab_session, "Pepa"), "look", passed=20)
    look, touch, done = report(db, lab_session).steps
    assert (look.begun, look.passed, look.tries, look.hints, look.median) == (3, 2, 10, 2, 15 * MINUTE)
    assert (touch.begun, touch.passed, touch.median) == (1, 1, 30 * MINUTE)
    assert (done.begun, done.median) == (0, None)


def test_it_says_what_the_seats_did(db: Session, lab_session: LabSession) -> None:
    found = report(db, lab_session).seats
    assert (found.booked, found.spares, found.made, found.used, found.unused) == (3, 1, 3, 2, 1)
    assert (found.failed, found.resets) == (1, 1)


def test_it_says_how_quickly_seats_were_ready(db: Session, lab_session: LabSession) -> None:
    warm, cold = report(db, lab_session).start_ups
    assert (warm.warm, warm.seconds, warm.median) == (True, (4.0, 6.0), 5.0)
    assert (cold.warm, cold.seconds) == (False, (5.0,))


def test_it_says_after_how_long_seats_showed_each_sign(db: Session, lab_session: LabSession) -> None:
    rows = [seat for seat in seats.seats_of(db, lab_session.id) if seat.begun_at and not seat.resets]
    for number, seat in enumerate(rows):
        assert seat.begun_at is not None
        seat.cloned_at, seat.running_at = seat.begun_at + timedelta(seconds=2 + number), None
    found = [(one.sign, one.count) for one in report(db, lab_session).sign_times]
    assert found == [(Sign.CLONED, len(rows)), (Sign.ANSWERS, sum(seat.ready_at is not None for seat in rows))]
    assert report(db, lab_session).sign_times[0].seconds == 2 + (len(rows) - 1) / 2


def test_it_advises(db: Session, lab_session: LabSession) -> None:
    messages = [phrase.message for phrase in report(db, lab_session).advice]
    assert messages[0] == class_advice.STUCK
    assert class_advice.FAILED in messages


def test_everybody_through_early_is_seen(db: Session) -> None:
    row = make_lab_session(db, state=LabSessionState.ENDED, seats=1, opened_at=NOW)
    maria = make_student(db, row, "María")
    make_seat(db, row, student=maria)
    for step in ("look", "touch", "done"):
        result(db, maria, step, passed=12)
    assert [str(phrase) for phrase in report(db, row).advice] == [
        "Everybody was through after 12 of 60 minutes: a shorter class is enough, or add a step."
    ]


def test_the_proof_is_the_list_before_and_the_empty_list_after(db: Session, lab_session: LabSession) -> None:
    assert report(db, lab_session).proof is None
    things = {"hv1": ["machine a", "machine b", "folder c"], "hv2": ["does not answer"]}
    note(db, lab_session, "lab_session.inventory", hosts=things, count=3)
    listed = report(db, lab_session).proof
    assert listed is not None
    assert listed.cleared_at is None
    note(db, lab_session, "lab_session.cleared", hosts={}, count=0)
    proof = report(db, lab_session).proof
    assert proof is not None
    assert proof.before == {
        "hv1": {"machine": 2, "folder": 1, "network": 0, "sockets": 0},
        "hv2": {"machine": 0, "folder": 0, "network": 0, "sockets": 0},
    }
    assert (proof.count, proof.cleared_at, proof.silent) == (3, NOW, ("hv2",))


def note(db: Session, lab_session: LabSession, action: str, **details: object) -> None:
    audit.record(db, actor=None, action=action, subject=subject_of(lab_session), now=NOW, details=details)


def test_the_proof_of_another_class_is_not_taken(db: Session, lab_session: LabSession) -> None:
    note(db, make_lab_session(db), "lab_session.inventory", hosts={}, count=0)
    assert report(db, lab_session).proof is None


def test_another_teachers_report_is_not_there(db: Session, lab_session: LabSession) -> None:
    with pytest.raises(NotFound):
        class_reports.report_of(db, actor=actor_for(db, role=Role.TEACHER), lab_session_id=lab_session.id)


@pytest.mark.parametrize("state", [LabSessionState.BOOKED, LabSessionState.READY, LabSessionState.CANCELLED])
def test_there_is_no_report_before_the_class(db: Session, state: LabSessionState) -> None:
    with pytest.raises(Conflict):
        report(db, make_lab_session(db, state=state))


def test_nobody_came(db: Session) -> None:
    found = report(db, make_lab_session(db, state=LabSessionState.ENDED))
    assert (found.students, found.start_ups, found.seats.made) == ((), (), 0)
    assert [phrase.message for phrase in found.advice] == [class_advice.NOBODY]


def test_names_are_forgotten_after_a_year_and_figures_stay(db: Session, lab_session: LabSession) -> None:
    before = [step.passed for step in report(db, lab_session).steps]
    over = lab_session.ends_at
    assert retention.forget_students(db, over + timedelta(days=365)) == 0
    assert retention.forget_students(db, over + timedelta(days=366)) == 2
    assert retention.forget_students(db, over + timedelta(days=366)) == 0
    db.expire_all()
    after = report(db, lab_session)
    assert [student.name for student in after.students] == [None, None]
    assert [step.passed for step in after.steps] == before
