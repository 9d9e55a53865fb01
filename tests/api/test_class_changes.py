"""Changing a class, or several dates of its series, through the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.policy import Role
from portal.models import LabSession
from tests.api.conftest import Caller, problem
from tests.api.test_lab_sessions import BOOKING, NO_ID
from tests.factories.lab_sessions import make_taught_lab


@pytest.fixture
def tom(caller: Callable[..., Caller], db: Session) -> Caller:
    """Tom teaches, on a cluster that carries 32 seats with a host lost."""
    tom = caller("tom", Role.TEACHER)
    make_taught_lab(db)
    db.commit()
    return tom


@pytest.fixture
def series(tom: Caller) -> list[dict[str, Any]]:
    """Four Tuesdays at ten; the clocks go forward before the last."""
    made = tom.post("/lab-sessions", {**BOOKING, "starts_at": "2026-03-10T10:00:00+01:00", "repeat": {"times": 4}})
    return list(made.get_json()["dates"])


def patch(caller: Caller, class_id: str, body: object) -> Any:
    return caller.call("PATCH", f"/lab-sessions/{class_id}", body)


def starts(db: Session) -> list[str]:
    db.rollback()
    found = [f"{one:%m-%d %H:%M}" for one in db.scalars(select(LabSession.starts_at).order_by(LabSession.starts_at))]
    db.rollback()
    return found


def test_this_and_the_following_move_together(tom: Caller, series: list[dict[str, Any]], db: Session) -> None:
    wish = {"scope": "following", "starts_at": "2026-03-18T11:30:00+01:00", "seats": 5, "languages": ["en"]}
    answer = patch(tom, series[1]["id"], wish)
    assert answer.status_code == 200, answer.get_json()
    assert [one["id"] for one in answer.get_json()["dates"]] == [one["id"] for one in series[1:]]
    assert starts(db) == ["03-10 09:00", "03-18 10:30", "03-25 10:30", "04-01 09:30"]
    shown = tom.get(f"/lab-sessions/{series[3]['id']}").get_json()
    assert (shown["seats_booked"], shown["languages"], shown["room"]) == (5, ["en"], "Aula 2")


def test_one_date_is_changed_unless_more_is_said(tom: Caller, series: list[dict[str, Any]], db: Session) -> None:
    assert len(patch(tom, series[0]["id"], {"starts_at": "2026-03-10T12:00:00+01:00"}).get_json()["dates"]) == 1
    assert starts(db)[:2] == ["03-10 11:00", "03-17 09:00"]


def test_dates_that_do_not_fit_are_named_and_can_be_left_out(
    tom: Caller, series: list[dict[str, Any]], db: Session
) -> None:
    tom.post("/lab-sessions", {**BOOKING, "starts_at": "2026-03-17T16:00:00+01:00", "seats": 25})
    wish: dict[str, Any] = {"scope": "all", "starts_at": "2026-03-10T16:00:00+01:00"}
    before = starts(db)
    answer = patch(tom, series[0]["id"], wish)
    assert problem(answer) == (409, "dates-do-not-fit")
    (misfit,) = answer.get_json()["misfits"]
    assert (misfit["lab_session"], misfit["starts_at"]) == (series[1]["id"], "2026-03-17T09:00:00Z")
    assert misfit["detail"]
    assert starts(db) == before
    assert len(patch(tom, series[0]["id"], {**wish, "skip": [misfit["lab_session"]]}).get_json()["dates"]) == 3


def test_one_date_that_does_not_fit_offers_other_times(tom: Caller, series: list[dict[str, Any]]) -> None:
    tom.post("/lab-sessions", {**BOOKING, "starts_at": "2026-03-17T16:00:00+01:00", "seats": 25})
    answer = patch(tom, series[1]["id"], {"starts_at": "2026-03-17T16:00:00+01:00"})
    assert problem(answer) == (409, "class-does-not-fit")
    assert answer.get_json()["alternatives"]


@pytest.mark.parametrize(
    "body",
    [
        {"scope": "some"},
        {"seats": 41},
        {"seats": "5"},
        {"languages": ["fr"]},
        {"languages": []},
        {"room": "x" * 121},
        {"starts_at": "2026-03-10T10:00:00"},
        {"starts_at": "9999-12-31T23:59:59+00:00"},
        {"starts_at": "2020-01-01T10:00:00+00:00"},
        {"skip": ["nothing"]},
        {"skip": [NO_ID] * 53},
        {"minutes": 30},
        [],
    ],
)
def test_nonsense_is_refused(tom: Caller, series: list[dict[str, Any]], db: Session, body: object) -> None:
    before = starts(db)
    assert patch(tom, series[0]["id"], body).status_code in {400, 422}
    assert starts(db) == before


def test_many_are_cancelled_only_when_it_is_said(tom: Caller, series: list[dict[str, Any]]) -> None:
    answer = tom.post(f"/lab-sessions/{series[0]['id']}/cancel").get_json()
    assert (answer["state"], len(answer["dates"])) == ("cancelled", 1)
    answer = tom.post(f"/lab-sessions/{series[2]['id']}/cancel", {"scope": "following", "reason": "Strike"}).get_json()
    assert [one["id"] for one in answer["dates"]] == [series[2]["id"], series[3]["id"]]
    assert tom.get(f"/lab-sessions/{series[1]['id']}").get_json()["state"] == "booked"


def test_others_do_not_find_it(caller: Callable[..., Caller], series: list[dict[str, Any]], grace: Caller) -> None:
    tina = caller("tina", Role.TEACHER)
    assert patch(tina, series[0]["id"], {"seats": 2}).status_code == 404
    assert patch(grace, series[0]["id"], {"seats": 2}).status_code == 403
    assert patch(tina, NO_ID, {"seats": 2}).status_code == 404
