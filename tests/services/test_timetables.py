"""Timetables: read as calendar programs write them, tried out without a trace, booked by the checks of booking."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.errors import Invalid
from portal.core.policy import Role
from portal.models import AuditEntry, LabSession
from portal.services import accounts, timetables
from portal.services.timetable_files import read_timetable
from portal.services.timetables import Terms, Verdict
from tests.factories.accounts import make_account
from tests.factories.cluster import make_host
from tests.factories.lab_sessions import make_taught_lab
from tests.factories.moments import NOW

MADRID = "Europe/Madrid"
TABLE = "wiki-page;03/03/2026 10:00;60;20;Aula 2\nwiki-page;03/03/2026 10:00\nwiki-page;03/03/2026 10:30;60;20"


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def terms(db: Session) -> Terms:
    make_taught_lab(db)
    for number in (1, 2, 3):
        make_host(db, f"hv{number}", address=f"10.77.0.1{number}")
    actor = accounts.actor_of(make_account(db, "tom", role=Role.TEACHER))
    return Terms(actor=actor, department_id=None, seats=12, now=NOW, reserve_hosts=1, timezone=MADRID)


def count(db: Session) -> tuple[int, int]:
    return db.scalar(select(func.count(LabSession.id))) or 0, db.scalar(select(func.count(AuditEntry.id))) or 0


def test_a_dry_run_says_what_booking_does_and_leaves_nothing(db: Session, terms: Terms) -> None:
    rows, before = read_timetable(TABLE, MADRID), count(db)
    tried = timetables.try_out(db, rows, terms)
    assert [line.verdict for line in tried] == [Verdict.FITS, Verdict.THERE, Verdict.DOES_NOT_FIT]
    assert (len(tried[2].alternatives), count(db)) == (3, before)
    booked = timetables.book_all(db, rows, terms)
    assert [line.verdict for line in booked] == [Verdict.BOOKED, Verdict.THERE, Verdict.DOES_NOT_FIT]
    assert count(db)[0] == 1


def test_anothers_class_at_the_same_time_is_not_ones_own(db: Session, terms: Terms) -> None:
    rows = read_timetable("wiki-page;03/03/2026 10:00;60;2", MADRID)
    timetables.book_all(db, rows, terms)
    tina = replace(terms, actor=accounts.actor_of(make_account(db, "tina", role=Role.TEACHER)))
    assert [line.verdict for line in timetables.book_all(db, rows, tina)] == [Verdict.BOOKED]


def calendar(*lines: str) -> str:
    event = ["BEGIN:VEVENT", "UID:a", "SUMMARY:wiki-page", *lines, "END:VEVENT"]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *event, "END:VCALENDAR", ""])


def starts(text: str) -> list[str]:
    return [
        f"{row.starts_at:%d.%m. %H:%M}" if row.starts_at else str(row.trouble) for row in read_timetable(text, MADRID)
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["DTSTART:20260324T100000"], ["24.03. 09:00"]),  # no time zone: the hospital's
        (["DTSTART:20260324T100000Z"], ["24.03. 10:00"]),
        (["DTSTART;TZID=America/Lima:20260324T100000"], ["24.03. 15:00"]),
        (["DTSTART:20260324T100000", "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=2"], ["24.03. 09:00", "07.04. 08:00"]),
        (["DTSTART:20260324T100000", "RRULE:FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20260326T090000Z"],
         ["24.03. 09:00", "26.03. 09:00"]),
        (["DTSTART:20260324T100000", "RRULE:FREQ=DAILY;UNTIL=20260325"], ["24.03. 09:00", "25.03. 09:00"]),
        (["DTSTART:20260324T100000", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260325T100000"],
         ["24.03. 09:00", "26.03. 09:00"]),
    ],
)  # fmt: skip
def test_times_and_series_are_read_as_they_are_meant(lines: list[str], expected: list[str]) -> None:
    assert starts(calendar(*lines)) == expected


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["DTSTART;VALUE=DATE:20260324"],
        ["DTSTART:nonsense"],
        ["DTSTART:20260324T100000", "DTSTART:20260325T100000"],
        ["DTSTART:20260324T100000", "RRULE:nonsense"],
        ["DTSTART:20260324T100000", "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"],
        ["DTSTART:99991231T235959Z"],
        ["DTSTART:20260324T100000", "STATUS:CANCELLED"],
        ["DTSTART:20260329T023000"],
        ["DTSTART:20260324T100000", "RRULE:FREQ=MONTHLY"],
        ["DTSTART:20260324T100000", "RRULE:FREQ=WEEKLY;BYDAY=2TU"],
        ["DTSTART:20260324T100000", "RRULE:FREQ=WEEKLY;INTERVAL=0"],
    ],
)
def test_what_is_not_understood_is_told_and_never_guessed(lines: list[str]) -> None:
    (row,) = read_timetable(calendar(*lines), MADRID)
    assert row.trouble is not None


def test_a_time_zone_that_is_none_breaks_nothing() -> None:
    with pytest.raises(Invalid, match="no calendar"):
        read_timetable(calendar("DTSTART;TZID=Europe:20260324T100000"), MADRID)


def test_a_moved_date_of_a_series_is_read_once() -> None:
    series = calendar("DTSTART:20260324T100000", "RRULE:FREQ=WEEKLY;COUNT=2")
    moved = calendar("RECURRENCE-ID:20260331T100000", "DTSTART:20260401T120000").split("VERSION:2.0\r\n")[1]
    text = series.replace("END:VCALENDAR\r\n", moved)
    assert starts(text) == ["24.03. 09:00", "01.04. 10:00"]
