"""Importing a timetable: a report first, by the checks of booking, and nothing is booked before the second button."""

from __future__ import annotations

import io
from html import unescape

import pytest
from playwright.sync_api import Page
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.models import AuditEntry, LabSession
from portal.site import Site
from tests.browser.accessibility import check_accessibility, check_width
from tests.factories.cluster import make_host
from tests.factories.lab_sessions import make_taught_lab
from tests.web.browsing import log_in
from tests.web.conftest import CheckingClient, People
from tests.web.test_in_browser import SIZES, refusals

TABLE = """lab;day;time;minutes;seats;room
wiki-page;03/03/2026;10:00;60;20;Aula 2
wiki-page;2026-03-03;10:30;60;20;Aula 3
Nothing at all;04/03/2026;10:00;60;5;
wiki-page;someday;10:00;;;
wiki-page;29/03/2026;02:30;;;
"""
CALENDAR = "\r\n".join(
    """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//y//ES
BEGIN:VEVENT
UID:a
DTSTART;TZID=Europe/Madrid:20260324T100000
DTEND;TZID=Europe/Madrid:20260324T110000
RRULE:FREQ=WEEKLY;COUNT=4
EXDATE;TZID=Europe/Madrid:20260407T100000
SUMMARY:wiki-page
LOCATION:Aula 2
END:VEVENT
BEGIN:VEVENT
UID:b
DTSTART;VALUE=DATE:20260401
SUMMARY:wiki-page
END:VEVENT
BEGIN:VEVENT
UID:c
DTSTART:20260402T080000Z
DURATION:PT45M
RRULE:FREQ=SECONDLY;BYMONTHDAY=31;BYMONTH=2
SUMMARY:wiki-page
END:VEVENT
END:VCALENDAR
""".splitlines()
)


@pytest.fixture
def tom(client: CheckingClient, lab: None) -> CheckingClient:
    client.set_cookie("vivero_language", "en")
    return client.log_in("tom")


@pytest.fixture
def lab(site: Site, people: People) -> None:
    """A lab and a cluster that carries 32 of its seats with a host lost."""
    with site.write_sessions.begin() as db:
        make_taught_lab(db)
        for number in (1, 2, 3):
            make_host(db, f"hv{number}", address=f"10.77.0.1{number}")


def starts(db: Session) -> list[str]:
    found = [f"{one:%d.%m. %H:%M}" for one in db.scalars(select(LabSession.starts_at).order_by(LabSession.starts_at))]
    db.rollback()
    return found


def verdicts(text: str) -> list[str]:
    report = text.split('id="report-title"')[1].split("</section>")[0].split("<ol")[1]
    return [part.split("</span>")[0].split(">")[-1] for part in report.split('class="badge-state')[1:]]


def send(client: CheckingClient, text: str, **more: object) -> str:
    answer = client.send("/classes/import", {"text": text, "seats": "12", **more})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_dry_run_says_what_comes_of_each_line_and_leaves_nothing(tom: CheckingClient, db: Session) -> None:
    before = db.scalar(select(func.count(AuditEntry.id)))
    db.rollback()
    text = send(tom, TABLE)
    assert verdicts(text) == ["fits", "does not fit", "not understood", "not understood", "not understood"]
    assert "These times are the nearest that fit" in text
    assert "“someday” is no day" in unescape(text)
    assert "no lab called “Nothing at all”" in unescape(text)
    assert "the clocks go forward" in text
    assert starts(db) == []
    assert db.scalar(select(func.count(AuditEntry.id))) == before


def test_the_second_button_books_what_fits_and_only_once(tom: CheckingClient, db: Session) -> None:
    text = send(tom, TABLE, step="book")
    assert verdicts(text)[:2] == ["booked", "does not fit"]
    assert starts(db) == ["03.03. 09:00"]
    assert verdicts(send(tom, TABLE, step="book"))[:2] == ["booked already", "does not fit"]
    assert starts(db) == ["03.03. 09:00"]


def test_a_calendars_weekly_series_keeps_its_local_time(tom: CheckingClient, db: Session) -> None:
    text = send(tom, CALENDAR, step="book")
    assert verdicts(text) == ["booked"] * 3 + ["not understood"] * 2
    assert starts(db) == ["24.03. 09:00", "31.03. 08:00", "14.04. 08:00"]
    assert db.scalars(select(LabSession.room).distinct()).all() == ["Aula 2"]


@pytest.mark.parametrize("name", ["t.ics", "t.csv"])
def test_a_file_comes_into_the_text(tom: CheckingClient, name: str) -> None:
    content = (CALENDAR if name == "t.ics" else TABLE).encode("utf-16")
    text = send(tom, "", file=(io.BytesIO(content), name))
    assert "wiki-page" in text.split("<textarea")[1].split("</textarea>")[0]
    assert "fits" in verdicts(text)


BAD = {
    "empty": "",
    "too long": "wiki-page;03/03/2026 10:00\n" * 12_000,
    "too many": "wiki-page;03/03/2026 10:00\n" * 201,
    "no calendar": "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART",
    "calendar of nothing": "BEGIN:VCALENDAR\nEND:VCALENDAR",
    "for ever": CALENDAR.replace("FREQ=WEEKLY;COUNT=4", "FREQ=DAILY"),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_told_beside_the_field(tom: CheckingClient, db: Session, text: str) -> None:
    answer = tom.send("/classes/import", {"text": text, "seats": "12", "step": "book"})
    assert answer.status_code == 422
    assert 'id="text-error"' in answer.text
    assert starts(db) == []


@pytest.mark.parametrize("content", [b"\x00\x7fELF" * 50, b"x" * 300_000])
def test_what_is_no_text_is_told_beside_the_file(tom: CheckingClient, content: bytes) -> None:
    answer = tom.send("/classes/import", {"file": (io.BytesIO(content), "t.ics"), "seats": "12"})
    assert answer.status_code == 422
    assert 'id="file-error"' in answer.text


def test_odd_lines_are_told_one_by_one(tom: CheckingClient, db: Session) -> None:
    lines = [
        "<script>x</script>;03/03/2026 10:00",
        "wiki-page;03/03/2026 10:00;60;41",
        "wiki-page;03/03/2026 10:00;5;1",
        "wiki-page;03/03/2020 10:00",
        "wiki-page;0001-01-01 00:00",
        "wiki-page;9999-12-31T23:59:59-12:00",
        "wiki-page;03/03/2026 10:00;99999999999999",
        "wiki-page;03/03/2026 10:00;60;5;" + "x" * 130,
        '"wiki-page',
        "wiki-page;2026-03-03T12:00+01:00",
    ]
    text = send(tom, "\n".join(lines), step="book")
    assert "<script>x" not in text
    assert verdicts(text).count("booked") == 1
    assert starts(db) == ["03.03. 11:00"]


def test_only_teachers_import(client: CheckingClient, lab: None, people: People, db: Session) -> None:
    assert client.get("/classes/import").status_code == 303
    client.log_in("ada")
    assert client.get("/classes/import").status_code == 403
    assert client.send("/classes/import", {"text": TABLE, "seats": "12", "step": "book"}).status_code == 403
    client.log_in("alan")
    refused = client.send("/classes/import", {"text": TABLE, "seats": "12", "department_id": "", "step": "book"})
    assert (refused.status_code, 'id="department_id-error"' in refused.text) == (422, True)
    send(client, TABLE, department_id=str(people.radiology), step="book")
    assert starts(db) == ["03.03. 09:00"]


@pytest.mark.browser
def test_the_report_is_accessible_and_its_button_books(page: Page, address: str, lab: None, db: Session) -> None:
    heard = refusals(page)
    log_in(page, address, "tom")
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.goto(f"{address}/classes/import")
        check_accessibility(page)
        page.fill("#text", TABLE)
        page.locator("#timetable-form .btn-primary").click()
        check_accessibility(page)
        check_width(page)
    page.locator("button[value=book]").click()
    page.locator("#flashes .note-good").wait_for()
    assert starts(db) == ["03.03. 09:00"]
    assert heard == []
