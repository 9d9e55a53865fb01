"""Booking a class on its pages: errors beside their fields, other times when it does not fit, calendar and list."""

from __future__ import annotations

import re
from html import unescape
from uuid import UUID

import pytest
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.lifecycle import LabSessionState
from portal.models import Account, LabSession
from portal.site import Site
from tests.browser.accessibility import check_accessibility, check_width
from tests.factories.cluster import make_host
from tests.factories.lab_sessions import make_lab_session, make_taught_lab
from tests.web.browsing import log_in
from tests.web.conftest import CheckingClient, People
from tests.web.test_in_browser import SIZES, refusals

ANSWERS = {
    "lab": "wiki-page",
    "day": "2026-03-03",
    "at": "10:00",
    "minutes": "60",
    "seats": "20",
    "room": "Aula 2",
    "repeat": "once",
}


KEPT = {"seats": "10", "room": "Sala 1", "languages": "es,en"}


@pytest.fixture
def lab(site: Site, people: People) -> None:
    """A lab and a cluster that carries 32 of its seats with a host lost."""
    with site.write_sessions.begin() as db:
        make_taught_lab(db)
        for number in (1, 2, 3):
            make_host(db, f"hv{number}", address=f"10.77.0.1{number}")


@pytest.fixture
def tom(client: CheckingClient, lab: None) -> CheckingClient:
    return client.log_in("tom")


@pytest.fixture
def class_id(site: Site, people: People, lab: None) -> UUID:
    with site.write_sessions.begin() as db:
        return make_lab_session(db, teacher=db.get_one(Account, people.tom), room="Sala 1", join_code="ABCD2345").id


def booked(db: Session) -> list[LabSession]:
    return list(db.scalars(select(LabSession).order_by(LabSession.starts_at)).unique())


def test_the_form_proposes_what_the_lab_says(tom: CheckingClient) -> None:
    text = tom.get("/classes/new?lab=wiki-page").text
    assert re.search(r'<option selected value="wiki-page">', text)
    assert 'value="45"' in text
    assert 'value="2026-03-03"' in text


def test_a_booked_class_shows_its_code(tom: CheckingClient, db: Session) -> None:
    answer = tom.send("/classes/new", ANSWERS)
    (lab_session,) = booked(db)
    assert answer.location == f"/classes/{lab_session.id}"
    text = tom.get(answer.location).text
    assert f"{lab_session.join_code[:4]} {lab_session.join_code[4:]}" in text
    assert f"http://localhost/join?code={lab_session.join_code}" in text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seats": "41"}, "seats"),
        ({"seats": "many"}, "seats"),
        ({"minutes": "5"}, "minutes"),
        ({"day": "2026-03-01"}, "day"),
        ({"day": "2026-03-02", "at": "09:59"}, "at"),  # it is ten o'clock in Madrid
        ({"day": "2026-03-29", "at": "02:30"}, "at"),  # the clocks skip it
        ({"day": "2026-10-25", "at": "02:30"}, "at"),  # they show it twice
        ({"at": "25:00"}, "at"),
        ({"lab": ""}, "lab"),
        ({"repeat": "weekly", "times": "53"}, "times"),
        ({"repeat": "weekly", "times": ""}, "times"),
        ({"repeat": "listed", "dates": "tomorrow"}, "dates"),
        ({"room": "x" * 130}, "room"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_is_lost(
    tom: CheckingClient, db: Session, changes: dict[str, str], field: str
) -> None:
    answer = tom.send("/classes/new", {**ANSWERS, "room": "Aula de informática", **changes})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert changes.get("room", "Aula de informática") in answer.text
    assert booked(db) == []


def test_two_mistakes_of_sense_are_said_at_once(tom: CheckingClient) -> None:
    text = tom.send("/classes/new", {**ANSWERS, "seats": "41", "minutes": "5"}).text
    assert 'id="seats-error"' in text
    assert 'id="minutes-error"' in text


def test_a_weekly_class_stays_at_its_local_time(tom: CheckingClient, db: Session) -> None:
    assert tom.send("/classes/new", {**ANSWERS, "repeat": "weekly", "times": "5"}).location == "/classes"
    assert [f"{one.starts_at:%d.%m. %H:%M}" for one in booked(db)][-2:] == ["24.03. 09:00", "31.03. 08:00"]


def test_a_list_of_days_is_read_as_people_write_days(tom: CheckingClient, db: Session) -> None:
    tom.send("/classes/new", {**ANSWERS, "repeat": "listed", "dates": "05/03/2026\n2026-03-04, 03/03/2026"})
    assert [one.starts_at.day for one in booked(db)] == [3, 4, 5]


def test_what_does_not_fit_offers_times_that_fill_the_form(tom: CheckingClient, db: Session) -> None:
    tom.send("/classes/new", ANSWERS)
    answer = tom.send("/classes/new", ANSWERS)
    assert answer.status_code == 409
    offers = [unescape(one) for one in re.findall(r'href="(/classes/new\?[^"]*)"', answer.text)]
    assert len(offers) == 4  # three times, and fewer seats
    page = tom.get(offers[0]).text
    assert 'value="08:15"' in page
    assert 'value="Aula 2"' in page
    assert 'value="9"' in tom.get(offers[3]).text
    assert len(booked(db)) == 1


def test_an_offer_for_a_list_of_days_moves_them_all(tom: CheckingClient) -> None:
    tom.send("/classes/new", {**ANSWERS, "minutes": "480", "at": "09:00"})
    answer = tom.send(
        "/classes/new", {**ANSWERS, "minutes": "480", "at": "09:00", "repeat": "listed", "dates": "10/03/2026"}
    )
    offers = [unescape(one) for one in re.findall(r'href="(/classes/new\?[^"]*)"', answer.text)]
    assert any("day=2026-03-02" in one and "09%2F03%2F2026" in one for one in offers)


def test_nonsense_in_the_address_of_the_form_is_left_out(tom: CheckingClient) -> None:
    assert tom.get("/classes/new?day=soon&at=late&seats=x&lab=nothing&repeat=never&csrf_token=x").status_code == 200


def test_my_classes_are_listed_and_found(tom: CheckingClient, class_id: UUID) -> None:
    assert str(class_id) in tom.get("/classes").text
    assert str(class_id) in tom.get("/classes?text=sala").text
    assert str(class_id) not in tom.get("/classes?text=aula").text
    assert str(class_id) not in tom.get("/classes?past=yes").text


def test_cancelling_asks_first(tom: CheckingClient, class_id: UUID, db: Session) -> None:
    assert "/cancel" in tom.get(f"/classes/{class_id}/cancel").text
    assert tom.send(f"/classes/{class_id}/cancel").location == "/classes"
    assert db.get_one(LabSession, class_id).state == LabSessionState.CANCELLED
    assert tom.get(f"/classes/{class_id}").status_code == 200


def test_a_class_is_moved_and_what_does_not_fit_says_what_does(
    tom: CheckingClient, class_id: UUID, db: Session
) -> None:
    assert 'value="10:00"' in tom.get(f"/classes/{class_id}/change").text
    tom.send("/classes/new", {**ANSWERS, "seats": "28", "at": "16:00"})
    refused = tom.send(f"/classes/{class_id}/change", {**KEPT, "day": "2026-03-03", "at": "16:00"})
    assert refused.status_code == 409
    assert "2026" in refused.text
    assert tom.send(f"/classes/{class_id}/change", {**KEPT, "day": "2026-03-03", "at": "12:00"}).status_code == 303
    assert db.get_one(LabSession, class_id).starts_at.hour == 11


@pytest.mark.parametrize("path", ["", "/cancel", "/change"])
def test_others_do_not_find_the_class(client: CheckingClient, site: Site, class_id: UUID, path: str) -> None:
    with site.write_sessions.begin() as db:
        lab_session = db.get_one(LabSession, class_id)
        lab_session.teacher_id = db.scalars(select(Account.id).where(Account.login == "grace")).one()
    client.log_in("tom")
    assert client.get(f"/classes/{class_id}{path}").status_code == 404
    assert client.send(f"/classes/{class_id}/cancel").status_code == 404


def test_who_does_not_teach_books_nothing(client: CheckingClient, class_id: UUID) -> None:
    client.log_in("ada")
    for path in ("/classes", "/classes/new", "/classes/calendar", f"/classes/{class_id}"):
        assert client.get(path).status_code == 403


def test_an_administrator_chooses_a_department(client: CheckingClient, lab: None, people: People, db: Session) -> None:
    client.log_in("alan")
    assert client.send("/classes/new", {**ANSWERS, "department_id": ""}).status_code == 422
    assert client.send("/classes/new", {**ANSWERS, "department_id": str(people.radiology)}).status_code == 303
    assert booked(db)[0].department_id == people.radiology


@pytest.mark.parametrize("view", ["week", "month"])
def test_the_calendar_shows_the_class_on_its_day(tom: CheckingClient, class_id: UUID, view: str) -> None:
    shown = tom.get(f"/classes/calendar?view={view}&day=2026-03-05").text
    assert str(class_id) in shown
    assert "10:00–11:00" in shown
    assert str(class_id) not in tom.get(f"/classes/calendar?view={view}&day=2026-05-05").text


def test_a_calendar_of_no_day_shows_today(tom: CheckingClient) -> None:
    for asked in ("never", "0001-01-01", "9999-12-31", ""):
        assert 'id="day-2026-03-02"' in tom.get(f"/classes/calendar?day={asked}").text


@pytest.mark.browser
@pytest.mark.slow
def test_class_pages_are_accessible_and_fit_wide_and_narrow(page: Page, address: str, class_id: UUID) -> None:
    heard = refusals(page)
    log_in(page, address, "tom")
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for path in (
            "",
            "/new",
            f"/{class_id}",
            f"/{class_id}/change",
            f"/{class_id}/cancel",
            "/calendar",
            "/calendar?view=month",
            "?text=nothing",
        ):
            page.goto(f"{address}/classes{path}")
            check_accessibility(page)
            check_width(page)
    assert heard == []


@pytest.mark.browser
def test_the_calendar_is_walked_by_keyboard(page: Page, address: str, class_id: UUID) -> None:
    log_in(page, address, "tom")
    page.goto(f"{address}/classes/calendar?view=week")
    page.keyboard.press("ArrowRight")  # to today, a Monday
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.day") == "2026-03-03"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")  # on the sheet before
    page.locator('[data-day="2026-03-01"]:focus').wait_for()
    page.keyboard.press("t")
    page.locator('[data-day="2026-03-02"]:focus').wait_for()
