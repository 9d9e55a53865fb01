"""What is kept of a student's tries, and when there is nothing to check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, NotFound
from portal.core.lifecycle import LabSessionState, SeatState
from portal.models import StepResult
from portal.services import checks
from portal.services.checks import CheckOutcome
from tests.factories import make_host, make_lab_session, make_seat, make_student
from tests.factories.moments import NOW


@dataclass
class Sitting:
    """María at seat 1 and Noor at seat 2 of a class that goes on."""

    db: Session

    def __post_init__(self) -> None:
        self.host = make_host(self.db)
        self.lab_session = make_lab_session(self.db)
        self.maria, self.noor = (make_student(self.db, self.lab_session, name) for name in ("María", "Noor"))
        self.seat, self.other = (
            make_seat(self.db, self.lab_session, number=number, student=student, host_id=self.host.id)
            for number, student in ((1, self.maria), (2, self.noor))
        )

    def begin(self, slug: str = "look", after_s: float = 0.0) -> checks.Try:
        return checks.begin_try(self.db, self.maria.id, slug, NOW + timedelta(seconds=after_s))

    def note(self, outcome: CheckOutcome, after_s: float = 0.0) -> StepResult:
        checks.note_try(self.db, self.maria.id, "look", outcome, NOW + timedelta(seconds=after_s))
        return self.result

    @property
    def result(self) -> StepResult:
        return self.db.get_one(StepResult, (self.maria.id, "look"))


@pytest.fixture
def sitting(db: Session) -> Sitting:
    return Sitting(db)


def test_only_the_students_own_seat_is_looked_at(sitting: Sitting) -> None:
    place = sitting.begin().place
    assert (place.seat_id, place.host.name) == (sitting.seat.id, "hv1")
    assert set(place.machines.values()) == {machine.id for machine in sitting.seat.machines}
    assert not set(place.machines.values()) & {machine.id for machine in sitting.other.machines}


def test_a_second_try_within_a_second_is_refused(sitting: Sitting) -> None:
    sitting.begin()
    with pytest.raises(Conflict, match="just now"):
        sitting.begin(after_s=0.9)
    sitting.begin(after_s=1.1)


def test_another_step_and_another_student_need_not_wait(sitting: Sitting) -> None:
    sitting.begin()
    sitting.begin("touch")
    assert checks.begin_try(sitting.db, sitting.noor.id, "look", NOW).place.seat_id == sitting.other.id


def test_a_step_that_the_lab_does_not_have_is_not_found(sitting: Sitting) -> None:
    with pytest.raises(NotFound):
        sitting.begin("nonsense")


@pytest.mark.parametrize("state", sorted(set(LabSessionState) - {LabSessionState.READY, LabSessionState.RUNNING}))
def test_nothing_is_checked_while_the_class_is_not_on(sitting: Sitting, state: LabSessionState) -> None:
    sitting.lab_session.state = state
    with pytest.raises(Conflict, match="not on"):
        sitting.begin()


def test_nothing_is_checked_while_the_seat_is_made(sitting: Sitting) -> None:
    sitting.seat.move_to(SeatState.BUILDING)
    with pytest.raises(Conflict, match="being prepared"):
        sitting.begin()


def test_who_waits_for_a_seat_is_told_to_wait(sitting: Sitting) -> None:
    sitting.seat.student_id = None
    sitting.db.flush()
    with pytest.raises(Conflict, match="being prepared"):
        sitting.begin()


def test_tries_are_counted_and_the_first_pass_stays(sitting: Sitting) -> None:
    assert sitting.note(CheckOutcome(False, ("Not yet.",))).said == "Not yet."
    assert sitting.note(CheckOutcome(True), after_s=5).said == ""
    result = sitting.note(CheckOutcome(False, ("Gone.",)), after_s=9)
    assert (result.tries, result.passed_at, result.said) == (3, NOW + timedelta(seconds=5), "Gone.")


def test_each_try_is_news_for_the_board(sitting: Sitting) -> None:
    before = sitting.lab_session.revision
    sitting.note(CheckOutcome(True))
    sitting.db.refresh(sitting.lab_session)
    assert sitting.lab_session.revision > before


def test_a_teachers_word_is_enough_and_wipes_what_was_said(sitting: Sitting) -> None:
    sitting.note(CheckOutcome(False, ("Your teacher looks.",), waits_for_teacher=True))
    assert sitting.result.passed_at is None
    checks.confirm(sitting.db, student=sitting.maria, step="look", now=NOW)
    assert (sitting.result.passed_at, sitting.result.said) == (NOW, "")
    with pytest.raises(NotFound):
        checks.confirm(sitting.db, student=sitting.maria, step="nonsense", now=NOW)
