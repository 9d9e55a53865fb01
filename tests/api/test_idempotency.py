"""Idempotency-Key on both databases, with calls that come at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.models import Claim, IdempotencyKey, VmRequest
from tests.api.conftest import ORDER, Caller, StandingClock


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


def count(db: Session, model: type) -> int:
    db.rollback()
    return db.scalar(select(func.count()).select_from(model)) or 0


def test_the_same_key_at_once_orders_once(ada: Caller, db: Session) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ada.post("/vm-requests", ORDER, Idempotency_Key="k1"), range(8)))
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert (count(db, VmRequest), count(db, Claim)) == (1, ORDER["copies"])


def test_of_two_bodies_at_once_one_has_the_key(ada: Caller, db: Session) -> None:
    with ThreadPoolExecutor(8) as threads:
        orders = [{**ORDER, "name": f"wiki-{number}"} for number in range(8)]
        answers = list(threads.map(lambda order: ada.post("/vm-requests", order, Idempotency_Key="k1"), orders))
    assert sorted(answer.status_code for answer in answers) == [201, *[422] * 7]
    assert count(db, VmRequest) == 1


def test_keys_are_forgotten_after_a_day(ada: Caller, db: Session, clock: StandingClock) -> None:
    ada.post("/vm-requests", ORDER, Idempotency_Key="k1")
    clock.at += timedelta(hours=25)
    assert ada.post("/vm-requests", {**ORDER, "name": "other"}, Idempotency_Key="k1").status_code == 201
    assert count(db, IdempotencyKey) == 1
