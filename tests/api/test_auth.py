"""Tokens: who has none gets nothing, on any route."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.api import make_api
from portal.api.auth import GUARD, MOST_BAD, OPEN_ENDPOINTS
from portal.models import Account, ApiToken
from portal.site import Site
from tests.api.conftest import Caller, StandingClock, problem

OPEN = OPEN_ENDPOINTS | {"static"}


def calls(site: Site) -> list[tuple[str, str]]:
    """Every route of the API with every method, ids made up."""
    found = []
    for rule in make_api(site).url_map.iter_rules():
        if rule.endpoint in OPEN:
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<uuid:{name}>", str(uuid4()))
        found += [(method, path) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def test_no_route_answers_without_a_token(site: Site, nobody: Caller) -> None:
    for method, path in calls(site):
        answer = nobody.call(method, path, {})
        assert problem(answer) == (401, "no-token"), (method, path)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_route_answers_who_may_nothing(site: Site, caller: Callable[..., Caller]) -> None:
    stranger = caller("zoe", None)
    for method, path in calls(site):
        assert problem(stranger.call(method, path, {}))[0] == 403, (method, path)


def test_a_student_reads_and_changes_nothing_of_the_department(site: Site, sam: Caller) -> None:
    for method, path in calls(site):
        answer = sam.call(method, path, {})
        if (method, path) == ("GET", "/vms"):
            assert answer.get_json()["items"] == []
        else:
            assert answer.status_code in {403, 404, 422}, (method, path, answer.status_code)


def test_every_route_names_its_permission(site: Site) -> None:
    api = make_api(site)
    unnamed = [name for name, view in api.view_functions.items() if name not in OPEN and not hasattr(view, GUARD)]
    assert unnamed == []


@pytest.mark.parametrize("value", ["", "Basic abc", "Bearer", "Bearer  ", "Bearer viv_wrong", "viv_wrong"])
def test_what_is_no_token_is_refused(nobody: Caller, value: str) -> None:
    assert nobody.get("/vms", Authorization=value).status_code == 401


def test_a_cookie_is_no_token(app: Flask, ada: Caller) -> None:
    assert Caller(app, None).get("/vms", Cookie=f"vivero_session={ada.token}").status_code == 401


def test_a_token_ends(ada: Caller, clock: StandingClock) -> None:
    assert ada.get("/vms").status_code == 200
    clock.at += timedelta(days=31)
    assert ada.get("/vms").status_code == 401


@pytest.mark.parametrize("end", [update(Account).values(active=False), update(ApiToken).values(revoked_at=None)])
def test_a_shut_out_account_has_no_tokens(ada: Caller, db: Session, end: object) -> None:
    db.execute(update(Account).values(active=False))
    db.commit()
    assert ada.get("/vms").status_code == 401


def test_many_wrong_tokens_have_to_wait_and_right_ones_not(nobody: Caller, ada: Caller) -> None:
    statuses = [nobody.get("/vms", Authorization=f"Bearer viv_{number}").status_code for number in range(MOST_BAD + 1)]
    assert statuses == [401] * MOST_BAD + [429]
    assert ada.get("/vms").status_code == 200


def test_the_use_of_a_token_is_noted(ada: Caller, db: Session, clock: StandingClock) -> None:
    ada.get("/vms")
    db.rollback()
    assert db.query(ApiToken).one().last_used_at == clock.at
