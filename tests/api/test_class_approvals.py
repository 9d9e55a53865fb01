"""Decisions on large classes through the API: seen by those who decide, once, never on one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from portal.core.policy import Role
from portal.site import Site
from tests.api.conftest import Caller, problem
from tests.api.test_lab_sessions import BOOKING
from tests.factories.lab_sessions import make_taught_lab


@pytest.fixture
def site(site: Site) -> Site:
    return replace(site, settings=replace(site.settings, class_approval_seats=5))


@pytest.fixture
def tom(caller: Callable[..., Caller], db: Session) -> Caller:
    tom = caller("tom", Role.TEACHER)
    make_taught_lab(db)
    db.commit()
    return tom


@pytest.fixture
def class_id(tom: Caller) -> str:
    made = tom.post("/lab-sessions", {**BOOKING, "repeat": {"times": 3}}).get_json()
    assert made["approval"]["state"] == "waiting"
    return str(made["id"])


def test_a_class_within_the_limit_says_that_it_needs_nobody(tom: Caller) -> None:
    made = tom.post("/lab-sessions", {**BOOKING, "seats": 5}).get_json()
    assert (made["approval"]["state"], made["series"]) == ("not_needed", None)


def test_what_waits_is_listed_with_what_a_decision_needs(grace: Caller, class_id: str) -> None:
    (item,) = grace.get("/lab-sessions/waiting").get_json()["items"]
    assert (item["id"], len(item["starts_at"]), item["seats"], item["memory_mib"]) == (class_id, 3, 10, 11 * 1024)
    assert item["memory_left_mib"] > 0
    assert "join_code" not in item


def test_a_yes_counts_for_the_whole_series(grace: Caller, tom: Caller, class_id: str) -> None:
    answer = grace.post(f"/lab-sessions/{class_id}/approve", {"comment": "Good"}).get_json()
    assert (answer["approval"]["state"], len(answer["decided"])) == ("approved", 3)
    shown = tom.get(f"/lab-sessions/{class_id}").get_json()["approval"]
    assert (shown["state"], shown["decided_by"], shown["comment"]) == ("approved", "Grace", "Good")
    assert problem(grace.post(f"/lab-sessions/{class_id}/deny", {"reason": "Late"})) == (409, "already-decided")


def test_a_no_needs_words_and_cancels(grace: Caller, tom: Caller, class_id: str) -> None:
    assert problem(grace.post(f"/lab-sessions/{class_id}/deny", {"reason": ""})) == (422, "invalid")
    assert problem(grace.post(f"/lab-sessions/{class_id}/deny", {"reason": "  "})) == (422, "invalid")
    answer = grace.post(f"/lab-sessions/{class_id}/deny", {"reason": "Not that week"}).get_json()
    assert (answer["state"], answer["approval"]["state"]) == ("cancelled", "denied")


def test_others_do_not_decide(tom: Caller, caller: Callable[..., Caller], class_id: str) -> None:
    assert tom.post(f"/lab-sessions/{class_id}/approve").status_code == 403
    assert tom.get("/lab-sessions/waiting").status_code == 403
    eve = caller("zoe", Role.APPROVER, department="radiologia")
    assert eve.get("/lab-sessions/waiting").get_json()["items"] == []
    assert eve.post(f"/lab-sessions/{class_id}/approve").status_code == 404


def test_nobody_decides_on_their_own_class(caller: Callable[..., Caller], tom: Caller) -> None:
    alan = caller("alan", Role.ADMIN)
    made = alan.post("/lab-sessions", {**BOOKING, "department": "farmacia"}).get_json()
    assert problem(alan.post(f"/lab-sessions/{made['id']}/approve")) == (403, "own-request")
    assert alan.get("/lab-sessions/waiting").get_json()["items"][0]["own"] is True


def test_a_timetable_says_what_would_wait_and_books_it_waiting(tom: Caller) -> None:
    wish = {"text": "wiki-page; 03/03/2026 10:00; 60; 10\nwiki-page; 04/03/2026 10:00; 60; 5\n"}
    tried = tom.post("/lab-sessions/import", wish).get_json()["lines"]
    assert [line["needs_approval"] for line in tried] == [True, False]
    tom.post("/lab-sessions/import", {**wish, "book": True})
    made = tom.get("/lab-sessions").get_json()["items"]
    assert [one["approval"]["state"] for one in made] == ["waiting", "not_needed"]
