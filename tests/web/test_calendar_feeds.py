"""Secret links for calendar programs: right times, no students, only for who teaches, ended at will."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from apiflask import APIFlask
from icalendar import Calendar
from icalendar.cal import Component
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.core.lifecycle import ClassApproval, LabSessionState
from portal.models import Account, CalendarFeed, LabSession
from portal.services.login_sessions import hash_of
from portal.site import Site
from portal.web.limits import limiter
from tests.browser.accessibility import check_accessibility, check_width
from tests.factories import make_lab_session, make_student
from tests.factories.moments import NOW
from tests.web.browsing import log_in
from tests.web.conftest import CheckingClient, FixedClock, People
from tests.web.test_in_browser import SIZES, refusals

LINK = re.compile(r"http://localhost(/calendar/([\w-]{43})\.ics)")


@pytest.fixture
def class_id(site: Site, people: People) -> UUID:
    with site.write_sessions.begin() as db:
        row = make_lab_session(db, teacher=db.get_one(Account, people.tom), room="Sala 1, sótano; norte")
        row.starts_at = datetime(2026, 3, 30, 8, 0, tzinfo=UTC)  # ten in Madrid, the day after the clocks changed
        row.ends_at, row.state = row.starts_at + timedelta(hours=1), LabSessionState.BOOKED
        make_student(db, row, "Secreta Persona")
        make_lab_session(db, teacher=db.get_one(Account, people.grace), room="Sala 2")
        return row.id


@pytest.fixture
def tom(client: CheckingClient, class_id: UUID) -> CheckingClient:
    return client.log_in("tom")


def make(client: CheckingClient, **data: str) -> str:
    return LINK.findall(client.send("/classes/feeds", data or {"own": "yes"}).text)[0][0]


def events(answer: TestResponse) -> list[Component]:
    assert answer.status_code == 200
    return Calendar.from_ical(answer.data).walk("VEVENT")


def test_a_teachers_classes_stand_in_it_at_their_times(app: APIFlask, tom: CheckingClient, class_id: UUID) -> None:
    program = app.test_client()  # knows no log-in
    answer = program.get(make(tom))
    (event,) = events(answer)
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("text/calendar", "no-store")
    assert event["dtstart"].dt == datetime(2026, 3, 30, 8, 0, tzinfo=UTC)
    assert event["dtend"].dt - event["dtstart"].dt == timedelta(hours=1)
    assert (event["location"], event["status"]) == ("Sala 1, sótano; norte", "CONFIRMED")
    assert event["url"] == f"http://localhost/classes/{class_id}"
    assert "Secreta" not in answer.text
    assert all(len(line.encode()) <= 75 for line in answer.text.split("\r\n"))


def test_a_class_that_waits_for_approval_is_tentative(tom: CheckingClient, class_id: UUID, site: Site) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(LabSession, class_id).approval = ClassApproval.WAITING
    (event,) = events(tom.get(make(tom)))
    assert event["status"] == "TENTATIVE"
    assert "Waits for approval" in event["description"]


@pytest.mark.parametrize("locale", ["es", "en"])
def test_titles_are_in_the_teachers_language(tom: CheckingClient, people: People, site: Site, locale: str) -> None:
    path = make(tom)
    with site.write_sessions.begin() as db:
        db.get_one(Account, people.tom).locale = locale
        title = db.scalars(select(LabSession)).unique().all()[0].lab_version.spec["title"][locale]
    assert events(tom.get(path))[0]["summary"] == title


def test_a_cancelled_class_says_so_for_thirty_days(
    tom: CheckingClient, class_id: UUID, site: Site, clock: FixedClock
) -> None:
    path = make(tom)
    tom.send(f"/classes/{class_id}/cancel")
    assert [event["status"] for event in events(tom.get(path))] == ["CANCELLED"]
    clock.at = NOW + timedelta(days=31)
    assert events(tom.get(path)) == []


def test_a_rooms_calendar_holds_everybodys_classes_there(tom: CheckingClient) -> None:
    (event,) = events(tom.get(make(tom, room=" sala  2 ")))
    assert event["location"] == "Sala 2"
    assert events(tom.get(make(tom, room="Sala 3"))) == []


def test_classes_of_other_departments_are_not_in_it(tom: CheckingClient, people: People, site: Site) -> None:
    with site.write_sessions.begin() as db:
        for row in db.scalars(select(LabSession)).unique():
            row.department_id = people.radiology
    assert events(tom.get(make(tom, room="Sala 2"))) == []


def test_a_link_is_kept_as_a_hash_renewed_and_ended(tom: CheckingClient, db: Session) -> None:
    first = make(tom)
    row = db.scalars(select(CalendarFeed)).one()
    assert row.key_hash == hash_of(LINK.findall(f"http://localhost{first}")[0][1])
    db.rollback()
    second = make(tom)
    assert [tom.get(path).status_code for path in (first, second)] == [404, 200]
    feed_id = db.scalars(select(CalendarFeed.id)).one()
    db.rollback()
    tom.send(f"/classes/feeds/{feed_id}/revoke")
    assert tom.get(second).status_code == 404
    assert tom.get(f"/calendar/{'x' * 300}.ics").status_code == 404


def test_who_may_not_teach_any_more_feeds_no_calendar(tom: CheckingClient, people: People, site: Site) -> None:
    path = make(tom)
    with site.write_sessions.begin() as db:
        db.get_one(Account, people.tom).active = False
    assert tom.get(path).status_code == 404


def test_only_teachers_make_links_and_end_their_own(client: CheckingClient, class_id: UUID, db: Session) -> None:
    assert client.get("/classes/feeds").status_code == 303
    client.log_in("ada")
    assert client.get("/classes/feeds").status_code == 403
    assert client.send("/classes/feeds", {"own": "yes"}).status_code == 403
    make(client.log_in("tom"))
    feed_id = db.scalars(select(CalendarFeed.id)).one()
    db.rollback()
    client.log_in("alan")
    assert client.send(f"/classes/feeds/{feed_id}/revoke").status_code in (303, 404)
    assert client.get(f"/classes/feeds/{feed_id}/revoke").status_code == 405
    assert db.scalars(select(CalendarFeed.id)).one() == feed_id


@pytest.mark.parametrize("room", ["", "x" * 121, "a\x00b"])
def test_a_bad_room_is_told_beside_its_field(tom: CheckingClient, room: str) -> None:
    answer = tom.send("/classes/feeds", {"room": room})
    assert answer.status_code == 422
    assert 'id="room-error"' in answer.text


@pytest.fixture
def limited(app: APIFlask) -> Iterator[None]:
    limiter.enabled = True
    limiter.reset()
    yield
    limiter.reset()
    limiter.enabled = False


def test_links_are_not_guessed_and_not_read_all_the_time(tom: CheckingClient, limited: None) -> None:
    path = make(tom)
    assert {tom.get(path).status_code for _ in range(30)} == {200}
    assert tom.get(path).status_code == 429
    answers = [tom.get(f"/calendar/guess{number}.ics").status_code for number in range(11)]
    assert answers == [404] * 10 + [429]


def test_a_link_made_by_script_text_is_text(tom: CheckingClient) -> None:
    text = tom.send("/classes/feeds", {"room": "<script>x</script>"}).text
    assert "<script>x" not in text


@pytest.mark.browser
def test_the_page_of_links_is_accessible(page: Page, address: str, class_id: UUID) -> None:
    heard = refusals(page)
    log_in(page, address, "tom")
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.goto(f"{address}/classes/feeds")
        check_accessibility(page)
        page.fill("#room", "Sala 1")
        page.locator("form:has(#room) button").click()
        check_accessibility(page)
        check_width(page)
    assert heard == []
