"""A timetable through the API: tried out without a trace, booked where it fits, by those who teach."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.policy import Role
from portal.models import LabSession
from tests.api.conftest import Caller, problem
from tests.factories.lab_sessions import make_taught_lab

IMPORT = "/lab-sessions/import"
TEXT = "wiki-page; 03/03/2026 10:00; 60; 10; Room 2\nunknown; 04/03/2026 10:00\nwiki-page; 05/03/2026 10:00; 60; 39\n"


@pytest.fixture
def tom(caller: Callable[..., Caller], db: Session) -> Caller:
    tom = caller("tom", Role.TEACHER)
    make_taught_lab(db)
    db.commit()
    return tom


def count(db: Session) -> int:
    db.rollback()
    found = db.scalar(select(func.count()).select_from(LabSession)) or 0
    db.rollback()
    return found


def test_a_timetable_is_tried_out_and_nothing_is_changed(tom: Caller, db: Session) -> None:
    answer = tom.post(IMPORT, {"text": TEXT}).get_json()
    assert answer["booked"] == 0
    assert [line["verdict"] for line in answer["lines"]] == ["fits", "not_understood", "does_not_fit"]
    assert answer["lines"][0]["room"] == "Room 2"
    assert "unknown" in answer["lines"][1]["troubles"][0]
    assert answer["lines"][2]["troubles"]
    assert count(db) == 0


def test_what_fits_is_booked_once(tom: Caller, db: Session) -> None:
    wish = {"text": TEXT, "book": True}
    first = tom.post(IMPORT, wish, Idempotency_Key="one").get_json()
    assert (first["booked"], count(db)) == (1, 1)
    assert tom.post(IMPORT, wish, Idempotency_Key="one").get_json() == first
    again = tom.post(IMPORT, wish).get_json()
    assert [line["verdict"] for line in again["lines"]] == ["there", "not_understood", "does_not_fit"]
    assert count(db) == 1


def test_a_calendar_is_read_too(tom: Caller) -> None:
    event = (
        "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:wiki-page\r\nDTSTART:20260303T090000Z\r\nDTEND:20260303T100000Z\r\nEND:VEVENT"
    )
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{event}\r\nEND:VCALENDAR\r\n"
    (line,) = tom.post(IMPORT, {"text": text}).get_json()["lines"]
    assert (line["verdict"], line["minutes"], line["seats"]) == ("fits", 60, 12)


def test_what_is_no_timetable_and_who_does_not_teach_are_refused(tom: Caller, ada: Caller) -> None:
    assert problem(tom.post(IMPORT, {"text": "  \n"})) == (422, "invalid")
    assert problem(tom.post(IMPORT, {"text": "x" * 300_000}))[0] in (413, 422)
    assert problem(tom.post(IMPORT, {"text": TEXT, "department": "radiologia"}))[0] == 422
    assert problem(ada.post(IMPORT, {"text": TEXT}))[0] == 403
