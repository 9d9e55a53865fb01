"""Large classes on the pages: their teacher sees that they wait, approvers see the facts and decide once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page

from portal.config import Settings
from portal.core.lifecycle import ClassApproval, LabSessionState
from portal.models import Account, LabSession
from portal.site import Site
from tests.browser.accessibility import check_accessibility, check_width
from tests.factories.cluster import make_host
from tests.factories.lab_sessions import make_lab_session, make_taught_lab
from tests.web.browsing import log_in
from tests.web.conftest import NOW, CheckingClient, People
from tests.web.test_in_browser import SIZES, refusals
from tests.web.test_lab_sessions import ANSWERS


@pytest.fixture
def settings(tmp_path: Path, kept_url: str) -> Settings:
    return Settings(
        var=tmp_path,
        database_url=kept_url,
        engine_database_url=f"sqlite:///{tmp_path}/engine.db",
        secret_key="a secret for tests only, long enough",
        base_url="http://localhost",
        class_approval_seats=10,
    )


@pytest.fixture
def class_id(site: Site, people: People) -> UUID:
    """A class of Tom's that waits."""
    with site.write_sessions.begin() as db:
        make_taught_lab(db)
        for number in (1, 2, 3):
            make_host(db, f"hv{number}", address=f"10.77.0.1{number}")
        tom = db.get_one(Account, people.tom)
        waits = {"approval": ClassApproval.WAITING, "approval_asked_at": NOW, "approval_asked_by_id": tom.id}
        return make_lab_session(db, teacher=tom, seats=20, spares=2, join_code="ABCD2345", **waits).id


@pytest.fixture
def tom(client: CheckingClient, class_id: UUID) -> CheckingClient:
    return client.log_in("tom")


def stored(site: Site, class_id: UUID) -> LabSession:
    with site.sessions() as db:
        return db.get_one(LabSession, class_id)


def test_a_large_booking_says_that_it_waits(tom: CheckingClient, site: Site, class_id: UUID) -> None:
    answer = tom.send("/classes/new", {**ANSWERS, "seats": "6", "day": "2026-03-04"})
    assert "has to approve it" not in tom.get(answer.location).text
    answer = tom.send("/classes/new", {**ANSWERS, "seats": "11", "day": "2026-03-05"})
    assert "has to approve it" in tom.get(answer.location).text


def test_a_timetables_dry_run_says_what_would_wait(tom: CheckingClient) -> None:
    wish = {"text": "wiki-page;05/03/2026 10:00;60;11\nwiki-page;06/03/2026 10:00;60;5", "seats": "12"}
    text = tom.send("/classes/import", wish).text
    assert "1 class is so large that somebody has to approve it" in text
    assert text.count("would wait for approval") == 1
    assert "waits for approval" in tom.send("/classes/import", {**wish, "step": "book"}).text


def test_the_teacher_sees_that_it_waits(tom: CheckingClient, class_id: UUID) -> None:
    text = tom.get(f"/classes/{class_id}").text
    assert "Waits for approval" in text
    assert "Prepare the seats now" not in text
    assert "Rehearse now" not in text
    for address in ("/classes", "/classes/calendar?day=2026-03-03"):
        assert "waits for approval" in tom.get(address).text


def test_approvers_see_it_beside_the_requests_and_agree_with_one_click(
    grace: CheckingClient, site: Site, class_id: UUID
) -> None:
    text = grace.get("/approvals").text
    for words in ("A page", "Tom", "20 and 2 spare", "22 GB", "of 32 GB left"):
        assert words in text, words
    assert "ABCD" not in text  # the code is its teacher's
    seen = text.split('name="seen" value="')[1].split('"')[0]
    assert grace.send(f"/approvals/classes/{class_id}/approve", {"seen": seen}).location == "/approvals"
    assert stored(site, class_id).approval == ClassApproval.APPROVED
    assert "Nothing waits for you" in grace.get("/approvals").text
    assert "Already decided by Grace" in grace.get(f"/approvals/classes/{class_id}").text


def test_a_no_asks_for_words(grace: CheckingClient, site: Site, class_id: UUID) -> None:
    refused = grace.send(f"/approvals/classes/{class_id}/deny", {"reason": " "})
    assert refused.status_code == 422
    assert 'id="reason-error"' in refused.text
    assert stored(site, class_id).waits_for_approval
    grace.send(f"/approvals/classes/{class_id}/deny", {"reason": "The room is being painted."})
    assert stored(site, class_id).state == LabSessionState.CANCELLED


def test_the_teacher_reads_why(grace: CheckingClient, client: CheckingClient, class_id: UUID) -> None:
    grace.send(f"/approvals/classes/{class_id}/deny", {"reason": "The room is being painted."})
    grace.send("/logout")
    text = client.log_in("tom").get(f"/classes/{class_id}").text
    assert "Not approved by Grace" in text
    assert "The room is being painted." in text


def test_who_comes_second_hears_who_was_first(
    grace: CheckingClient, client: CheckingClient, site: Site, class_id: UUID
) -> None:
    grace.send(f"/approvals/classes/{class_id}/approve")
    grace.send(f"/approvals/classes/{class_id}/deny", {"reason": "Too late"})
    assert "already decided by Grace" in grace.get("/approvals").text
    assert stored(site, class_id).approval == ClassApproval.APPROVED


def test_what_has_changed_since_it_was_read_is_not_decided(grace: CheckingClient, site: Site, class_id: UUID) -> None:
    before = {"seen": (NOW - timedelta(minutes=1)).isoformat()}
    grace.send(f"/approvals/classes/{class_id}/approve", before)
    assert stored(site, class_id).waits_for_approval
    assert "changed this class meanwhile" in grace.get("/approvals").text
    grace.send(f"/approvals/classes/{class_id}/approve", {"seen": "nonsense"})
    assert not stored(site, class_id).waits_for_approval


def test_ones_own_class_is_shown_and_cannot_be_decided(site: Site, alan: CheckingClient, people: People) -> None:
    with site.write_sessions.begin() as db:
        own = {"approval": ClassApproval.WAITING, "approval_asked_at": NOW, "approval_asked_by_id": people.alan}
        class_id = make_lab_session(db, teacher=db.get_one(Account, people.alan), **own).id
    assert f"/approvals/classes/{class_id}/approve" not in alan.get("/approvals").text
    assert "cannot decide" in alan.get(f"/approvals/classes/{class_id}").text
    assert alan.send(f"/approvals/classes/{class_id}/approve").status_code == 403
    assert stored(site, class_id).waits_for_approval


@pytest.mark.parametrize("login", ["ada", "tom", "olga", "eve"])
def test_others_cannot_even_look(
    client: CheckingClient, site: Site, class_id: UUID, people: People, login: str
) -> None:
    other = client.log_in(login)
    assert other.get(f"/approvals/classes/{class_id}").status_code in {403, 404}
    assert other.send(f"/approvals/classes/{class_id}/approve").status_code in {403, 404}
    assert other.send(f"/approvals/classes/{class_id}/deny", {"reason": "Because"}).status_code in {403, 404}
    assert stored(site, class_id).waits_for_approval


def test_there_is_nothing_at_made_up_addresses(grace: CheckingClient) -> None:
    assert grace.get(f"/approvals/classes/{uuid4()}").status_code == 404
    assert grace.send(f"/approvals/classes/{uuid4()}/approve").status_code == 404


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_the_cards_are_accessible_and_fit(
    address: str, page: Page, class_id: UUID, people: People, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)
    refused = refusals(page)
    log_in(page, address, "grace")
    for path in ("/approvals", f"/approvals/classes/{class_id}"):
        page.goto(f"{address}{path}")
        check_accessibility(page)
        check_width(page)
    assert refused == []


def test_the_overview_says_that_a_class_waits(grace: CheckingClient, class_id: UUID) -> None:
    assert f"/approvals/classes/{class_id}" in grace.get("/").text
    grace.send(f"/approvals/classes/{class_id}/approve")
    assert f"/approvals/classes/{class_id}" not in grace.get("/").text
