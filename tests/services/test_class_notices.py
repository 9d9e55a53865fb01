"""Letters to teachers: ten minutes before the hour who lacks seats is told why, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.seat_signs import WITHOUT, Sign
from portal.models import LabSession, Mail
from portal.services import class_notices
from tests.factories.classes import make_lab_session, make_seat
from tests.factories.cluster import make_host
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
    assert "1 of 2 seats are ready.\n" in text
    assert text.count("Seat 2: The host burnt down.") == 1


def test_the_letter_names_each_missing_seat_and_the_sign_at_which_it_stands_still(db: Session) -> None:
    lab_session = make_class(db, State.PREPARING, seats=4)
    make_seat(db, lab_session, number=1)
    building = {"state": SeatState.BUILDING, "ready_at": None, "cloned_at": NOW}
    make_seat(db, lab_session, number=2, **building, running_at=NOW, lacks={"answers": ["server"]})
    make_seat(db, lab_session, number=3, **building)
    params = {"machine": "client"}
    make_seat(db, lab_session, number=4, state=SeatState.REPLACED, trouble=WITHOUT[Sign.RUNNING], trouble_params=params)
    (text,) = tell(db)
    assert "\nSeat 2: Its machine server runs but does not answer.\n" in text
    assert "\nSeat 3: Not all its machines run yet.\n" in text
    assert "\nSeat 4: Its machine client does not run.\n" in text


def test_the_letter_names_no_seat_that_another_one_stands_in_for(db: Session) -> None:
    lab_session = make_class(db, State.READY, seats=2)
    for number in (1, 2):
        made = {"state": SeatState.REPLACED, "trouble": f"Trouble {number}.", "replaced_at": NOW}
        make_seat(db, lab_session, number=number, **made)
    make_seat(db, lab_session, number=3)
    (text,) = tell(db)
    assert "\nSeat 2: Trouble 2.\n" in text
    assert "Trouble 1." not in text


def test_seats_on_a_host_that_does_not_answer_are_missing_too(db: Session) -> None:
    lab_session, host = make_class(db, State.READY), make_host(db, trouble="The host hv1 does not answer.")
    make_seat(db, lab_session, number=1)
    make_seat(db, lab_session, number=2, host_id=host.id)
    (text,) = tell(db)
    assert "1 of 2 seats are ready." in text
    assert "\nSeat 2: The host hv1 does not answer.\n" in text


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
