"""The API over a database of its own, and people with tokens: Ada asks, Grace decides, Eve is of another place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import Client, TestResponse

from portal.api import register
from portal.backends.lab_reader_yaml import YamlLabReader
from portal.config import Settings
from portal.core.policy import Role
from portal.models import Account
from portal.services import tokens
from portal.site import Site
from tests.factories import ListQueue, make_account, make_host, make_template
from tests.factories.moments import NOW


class StandingClock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


class Switches:
    """A hypervisor of which only the power is used: it remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_args, **_more: self.told.append(name)


class Nothing:
    """An outside that must not be asked here."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody should ask for {name}")


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def queue() -> ListQueue:
    return ListQueue()


@pytest.fixture
def site(
    tmp_path: Path,
    sessions: sessionmaker[Session],
    write_sessions: sessionmaker[Session],
    clock: StandingClock,
    queue: ListQueue,
) -> Site:
    return Site(
        settings=Settings(
            var=tmp_path, database_url="", engine_database_url="", secret_key="long enough for tests", locale="en"
        ),
        sessions=sessions,
        write_sessions=write_sessions,
        queue=queue,
        hypervisor=Switches(),  # type: ignore[arg-type]
        playbooks=Nothing(),
        reachability=Nothing(),
        doors=Nothing(),
        lab_reader=YamlLabReader(),
        mailer=Nothing(),
        clock=clock,
    )


@pytest.fixture
def app(site: Site) -> Flask:
    app = Flask("pages")
    register(app, site)
    return app


@pytest.fixture
def count_queries(engine: Engine) -> Callable[[Callable[[], object]], int]:
    """How many statements the database gets while something is done."""

    def count(work: Callable[[], object]) -> int:
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            seen.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        work()
        event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    return count


@dataclass
class Caller:
    """Somebody with a token (or without)."""

    app: Flask
    token: str | None
    account: Account = None  # type: ignore[assignment] # nobody has none

    def call(self, method: str, path: str, body: object = None, **headers: str) -> TestResponse:
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        sent = {} if body is None else {"json": body}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client(self.app).open(f"/api/v1{path}", method=method, headers=named, **sent)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: object = None, **headers: str) -> TestResponse:
        return self.call("POST", path, body, **headers)


@pytest.fixture
def caller(app: Flask, db: Session) -> Callable[..., Caller]:
    """Make a person with a token; the catalogue and the cluster are there before them."""

    def make(login: str, role: Role | None = Role.REQUESTER, department: str = "farmacia") -> Caller:
        account = make_account(db, login, role=role, department=department)
        _token, text = tokens.issue(db, actor=None, account=account, name="test", days=30, now=NOW)
        db.commit()
        return Caller(app, text, account)

    make_template(db)
    for number in (1, 2, 3):
        make_host(db, f"hv{number}", address=f"10.77.0.1{number}")
    db.commit()
    return make


@pytest.fixture
def ada(caller: Callable[..., Caller]) -> Caller:
    return caller("ada")


@pytest.fixture
def grace(caller: Callable[..., Caller]) -> Caller:
    return caller("grace", Role.APPROVER)


@pytest.fixture
def eve(caller: Callable[..., Caller]) -> Caller:
    return caller("eve", Role.REQUESTER, "radiologia")


@pytest.fixture
def sam(caller: Callable[..., Caller]) -> Caller:
    return caller("sam", Role.STUDENT)


@pytest.fixture
def alan(caller: Callable[..., Caller]) -> Caller:
    return caller("alan", Role.ADMIN)


@pytest.fixture
def olga(caller: Callable[..., Caller]) -> Caller:
    return caller("olga", Role.AUDITOR)


@pytest.fixture
def nobody(app: Flask) -> Caller:
    return Caller(app, None)


ORDER = {
    "template": "dokuwiki",
    "size": "small",
    "name": "wiki",
    "copies": 2,
    "purpose": "A wiki for the ward",
    "ends_on": "2026-06-30",
}


def ordered(who: Caller, **changes: object) -> str:
    """The id of a new request."""
    answer = who.post("/vm-requests", {**ORDER, **changes})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return str(answer.get_json()["id"])


def problem(answer: TestResponse) -> tuple[int, str]:
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == answer.status_code
    return answer.status_code, answer.get_json()["type"].removeprefix("urn:vivero:problem:")
