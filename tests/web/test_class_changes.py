"""Changing and cancelling classes on their pages: one date or many, and what does not fit said date by date."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.lifecycle import LabSessionState
from portal.core.people import Person
from portal.models import Account, LabSession
from portal.services import invitations, lab_sessions
from portal.services.accounts import actor_of
from portal.services.lab_sessions import Wish
from portal.site import Site
from tests.browser.accessibility import check_accessibility, check_width
from tests.factories.cluster import make_host
from tests.factories.lab_sessions import make_taught_lab
from tests.factories.moments import NOW
from tests.services.test_class_changes import DATES
from tests.web.browsing import log_in
from tests.web.conftest import CheckingClient, People
from tests.web.test_in_browser import SIZES, refusals

KEPT = {"day": "2026-03-17", "at": "10:00", "seats": "20", "room": "Aula 2", "languages": "es,en", "scope": "this"}


@pytest.fixture
def series(site: Site, people: People) -> list[UUID]:
    """Four Tuesdays of Tom's at ten, on a cluster that carries 32 seats with a host lost."""
    with site.write_sessions.begin() as db:
        make_taught_lab(db)
        for number in (1, 2, 3):
            make_host(db, f"hv{number}", address=f"10.77.0.1{number}")
        return [one.id for one in book(db, people.tom)]


def book(db: Session, teacher: UUID, **changes: object) -> list[LabSession]:
    wish = Wish(**{"lab": "wiki-page", "starts_at": DATES, "minutes": 60, "seats": 20, "room": "Aula 2", **changes})  # type: ignore[arg-type]
    return lab_sessions.book(db, actor=actor_of(db.get_one(Account, teacher)), wish=wish, now=NOW)


@pytest.fixture
def tom(client: CheckingClient, series: list[UUID]) -> CheckingClient:
    return client.log_in("tom")


def starts(site: Site) -> list[str]:
    with site.sessions() as db:
        found = db.scalars(select(LabSession.starts_at).order_by(LabSession.starts_at))
        return [f"{one:%m-%d %H:%M}" for one in found]


def states(site: Site) -> list[str]:
    with site.sessions() as db:
        return [str(one) for one in db.scalars(select(LabSession.state).order_by(LabSession.starts_at))]


def test_a_class_shows_its_series(tom: CheckingClient, series: list[UUID]) -> None:
    text = tom.get(f"/classes/{series[1]}").text
    assert "One of a series" in text
    assert "Every week, Tuesday at 10:00" in text
    assert all(f"/classes/{other}" in text for other in series)


def test_the_form_says_how_many_dates_each_choice_is_about(tom: CheckingClient, series: list[UUID]) -> None:
    text = tom.get(f"/classes/{series[1]}/change").text
    assert "this one and the following (3 dates)" in text
    assert "all that are still to come (4 dates)" in text


def test_a_class_without_a_series_has_nothing_to_choose(
    tom: CheckingClient, site: Site, people: People, series: list[UUID]
) -> None:
    with site.write_sessions.begin() as db:
        (alone,) = book(db, people.tom, starts_at=(DATES[0].replace(day=19),))
        alone_id = alone.id
    for path in ("change", "cancel"):
        assert 'name="scope"' not in tom.get(f"/classes/{alone_id}/{path}").text
    assert "One of a series" not in tom.get(f"/classes/{alone_id}").text


def test_the_pages_say_how_many_people_are_written_to(
    tom: CheckingClient, site: Site, people: People, series: list[UUID]
) -> None:
    with site.write_sessions.begin() as db:
        rows = [db.get_one(LabSession, one) for one in series[:2]]
        ana, actor = Person("Ana", "ana@example.org"), actor_of(db.get_one(Account, people.tom))
        invitations.invite(db, actor=actor, made=rows, people=[ana, Person("Bea")], now=NOW, timezone="Europe/Madrid")
    assert "up to 1 person on the lists gets a letter" in tom.get(f"/classes/{series[0]}/change").text
    assert "1 person on the list gets a letter that says so" in tom.get(f"/classes/{series[0]}/cancel").text
    assert "gets a letter" not in tom.get(f"/classes/{series[2]}/cancel").text


def test_several_dates_move_together(tom: CheckingClient, site: Site, series: list[UUID]) -> None:
    wish = {**KEPT, "day": "2026-03-25", "at": "11:30", "scope": "following"}
    answer = tom.send(f"/classes/{series[1]}/change", wish)
    assert answer.location == f"/classes/{series[1]}"
    assert starts(site) == ["03-17 09:00", "03-25 10:30", "04-01 09:30", "04-08 09:30"]
    assert "3 classes are changed" in tom.get(answer.location).text


def test_what_is_the_same_here_stays_what_it_is_elsewhere(tom: CheckingClient, site: Site, series: list[UUID]) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(LabSession, series[2]).room = "Sala 9"
    tom.send(f"/classes/{series[0]}/change", {**KEPT, "seats": "5", "scope": "all"})
    with site.sessions() as db:
        rows = [db.get_one(LabSession, one) for one in series]
        assert [row.room for row in rows] == ["Aula 2", "Aula 2", "Sala 9", "Aula 2"]
        assert {row.seats for row in rows} == {5}


def test_dates_that_do_not_fit_are_named_and_can_be_left(
    tom: CheckingClient, site: Site, people: People, series: list[UUID]
) -> None:
    with site.write_sessions.begin() as db:
        book(db, people.tom, starts_at=(DATES[1].replace(hour=15),))
    before, wish = starts(site), {**KEPT, "at": "16:00", "scope": "all"}
    refused = tom.send(f"/classes/{series[0]}/change", wish)
    assert refused.status_code == 409
    assert "1 date cannot be changed so" in refused.text
    assert "Leave 24 Mar 2026, 10:00 as it is" in refused.text
    assert "lacks" in refused.text
    assert starts(site) == before
    ticked = re.findall(r'name="skip" value="([^"]+)"', refused.text)
    assert ticked == [str(series[1])]
    answer = tom.send(f"/classes/{series[0]}/change", {**wish, "skip": ticked})
    assert answer.status_code == 303
    assert [one[6:8] for one in starts(site)] == ["15", "09", "15", "14", "14"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seats": "41"}, "seats"),
        ({"seats": ""}, "seats"),
        ({"at": "25:00"}, "at"),
        ({"day": "2026-03-29", "at": "02:30"}, "at"),
        ({"day": "2026-03-01"}, "day"),
        ({"room": "x" * 130}, "room"),
        ({"languages": "fr"}, "languages"),
        ({"scope": "some"}, "scope"),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_nothing_is_changed(
    tom: CheckingClient, site: Site, series: list[UUID], changes: dict[str, str], field: str
) -> None:
    before = starts(site)
    answer = tom.send(f"/classes/{series[0]}/change", {**KEPT, **changes})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert starts(site) == before


def test_cancelling_many_says_how_many_first(tom: CheckingClient, site: Site, series: list[UUID]) -> None:
    address = f"/classes/{series[1]}/cancel"
    assert "this one and the following (3 dates)" in tom.get(address).text
    asked = tom.send(address, {"scope": "following"})
    assert asked.status_code == 200
    assert "Cancel 3 classes?" in asked.text
    assert "31 Mar 2026" in asked.text
    assert states(site) == ["booked"] * 4
    assert tom.send(address, {"scope": "following", "count": "4"}).status_code == 200  # it was not what was shown
    assert states(site) == ["booked"] * 4
    assert tom.send(address, {"scope": "following", "count": "3"}).location == "/classes"
    assert states(site) == ["booked", *["cancelled"] * 3]
    assert "3 classes are cancelled" in tom.get("/classes").text


@pytest.mark.parametrize("scope", ["this", "nonsense", ""])
def test_without_a_choice_one_date_is_cancelled(
    tom: CheckingClient, site: Site, series: list[UUID], scope: str
) -> None:
    tom.send(f"/classes/{series[2]}/cancel", {"scope": scope})
    assert states(site) == ["booked", "booked", "cancelled", "booked"]


def test_what_is_being_prepared_is_not_changed(tom: CheckingClient, site: Site, series: list[UUID]) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(LabSession, series[0]).move_to(LabSessionState.PREPARING)
    answer = tom.send(f"/classes/{series[0]}/change", {**KEPT, "seats": "5"})
    assert answer.status_code == 409
    assert "cannot be changed any more" in answer.text


def test_others_change_nothing(client: CheckingClient, series: list[UUID], site: Site) -> None:
    other = client.log_in("ada")
    for path in ("change", "cancel"):
        assert other.get(f"/classes/{series[0]}/{path}").status_code == 403
        assert other.send(f"/classes/{series[0]}/{path}", KEPT).status_code == 403
    assert states(site) == ["booked"] * 4


@pytest.mark.browser
@pytest.mark.slow
def test_the_pages_of_a_series_are_accessible_and_fit(page: Page, address: str, series: list[UUID]) -> None:
    heard = refusals(page)
    log_in(page, address, "tom")
    for size in SIZES:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for path in ("", "/change", "/cancel"):
            page.goto(f"{address}/classes/{series[1]}{path}")
            check_accessibility(page)
            check_width(page)
    assert heard == []


def test_people_are_copied_to_the_following_dates(tom: CheckingClient, series: list[UUID]) -> None:
    address = f"/classes/{series[1]}/people"
    assert "The same people" not in tom.get(address).text
    tom.send(address, {"people": "Ana\nBea"})
    assert "The same people on the following 2 dates" in tom.get(address).text
    links = tom.send(f"{address}/copy").text
    assert links.count("/join/back#") >= 4
    assert "already" in tom.get(tom.send(f"{address}/copy").location).text
