"""Letters to teachers: ten minutes before the hour who lacks seats is told why, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.lifecycle import LabSessionState, SeatState
from portal.models import LabSession, Mail
from portal.services import class_notices
from tests.factories.classes import make_lab_session, make_seat
from tests.factories.moments import NOW

State = LabSessionState
AT_TEN = NOW + timedelta(minutes=10)


def make_class(db: Session, state: LabSessionState, **changes: object) -> LabSession:
    ordinary = {"starts_at": AT_TEN, "ends_at": AT_TEN + timedelta(hours=1), "state": state}
    return make_lab_session(db, **{**ordinary, **changes})


def tell(db: Session, *, early: timedelta = timedelta()) -> list[str]:
    class_notices.tell_due(db, now=NOW - early, base_url="https://vivero.example")
    return [mail.text for mail in db.query(Mail)]


@pytest.mark.parametrize("state", [State.BOOKED, State.PREPARING])
def test_the_teacher_of_a_class_that_is_not_ready_is_told_once(db: Session, state: LabSessionState) -> None:
    make_class(db, state)
    (text,) = tell(db)
    assert "0 of 2 seats are ready" in text or "0 de 2" in text
    assert len(tell(db)) == 1


def test_a_seat_that_was_lost_after_all_were_ready_is_told_with_its_reason(db: Session) -> None:
    lab_session = make_class(db, State.READY)
    make_seat(db, lab_session, number=1)
    make_seat(db, lab_session, number=2, state=SeatState.REPLACED, trouble="The host burnt down.")
    (text,) = tell(db)
    assert "The host burnt down." in text


def test_a_class_with_all_its_seats_is_left_in_peace(db: Session) -> None:
    lab_session = make_class(db, State.READY)
    for number in (1, 2):
        make_seat(db, lab_session, number=number)
    assert tell(db) == []


def test_who_was_told_by_the_preparation_is_not_told_again(db: Session) -> None:
    make_class(db, State.PREPARING, told_missing=True, trouble="Nothing works.")
    assert tell(db) == []


def test_nobody_is_told_earlier(db: Session) -> None:
    make_class(db, State.PREPARING)
    assert tell(db, early=timedelta(seconds=1)) == []


def test_what_the_preparation_met_is_the_reason(db: Session) -> None:
    make_class(db, State.PREPARING, trouble="The host burnt down.")
    (text,) = tell(db)
    assert "The host burnt down." in text


def test_a_class_that_was_booked_just_now_is_on_its_way(db: Session) -> None:
    make_class(db, State.PREPARING, made_at=NOW + timedelta(minutes=1), starts_at=NOW + timedelta(minutes=5))
    assert tell(db) == []
