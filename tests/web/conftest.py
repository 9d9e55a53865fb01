"""A site with a database of its own and people who log in; every page that comes back is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.core.policy import Grant, Role
from portal.models import Account, Base, Department
from portal.models.database import make_sessions, make_write_sessions, open_database
from portal.services.accounts import create_account
from portal.site import Site
from portal.web import make_app
from tests.web.markup import check_markup

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
PASSWORD = "pino-y-romero-2027"


@dataclass
class FixedClock:
    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


class RememberingQueue:
    def __init__(self) -> None:
        self.enqueued: list[tuple[str, str, str]] = []

    def enqueue(self, db: object, *, workflow: str, workflow_id: str, subject_id: str) -> None:
        self.enqueued.append((workflow, workflow_id, subject_id))


class Nothing:
    """An outside that no page may ask in this test."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody should ask for {name}")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        var=tmp_path,
        database_url=f"sqlite:///{tmp_path}/vivero.db",
        engine_database_url=f"sqlite:///{tmp_path}/engine.db",
        secret_key="a secret for tests only, long enough",
        base_url="http://localhost",
    )


@pytest.fixture
def hypervisor() -> Any:
    return Nothing()


@pytest.fixture
def site(settings: Settings, clock: FixedClock, hypervisor: Any) -> Iterator[Site]:
    engine = open_database(settings.database_url)
    Base.metadata.create_all(engine)
    yield Site(
        settings=settings,
        sessions=make_sessions(engine),
        write_sessions=make_write_sessions(engine),
        queue=RememberingQueue(),
        hypervisor=hypervisor,
        playbooks=Nothing(),
        reachability=Nothing(),
        mailer=Nothing(),
        clock=clock,
    )
    engine.dispose()


@pytest.fixture
def app(site: Site) -> APIFlask:
    app = make_app(site)
    app.testing = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.config["RATELIMIT_ENABLED"] = False
    return app


class CheckingClient(FlaskClient):
    """Checks each HTML answer, and sends the form token along as a browser would."""

    def open(self, *args: Any, check: bool = True, **kwargs: Any) -> TestResponse:
        answer = super().open(*args, **kwargs)
        if check and answer.mimetype == "text/html" and answer.status_code not in range(300, 400):
            check_markup(answer.get_data(as_text=True))
        return answer

    def token(self, path: str = "/accessibility") -> str:
        text = self.get(path).get_data(as_text=True)
        return text.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]

    def send(self, path: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        return self.post(path, data={"csrf_token": self.token(), **(data or {})}, **kwargs)

    def log_in(self, login: str, password: str = PASSWORD) -> CheckingClient:
        answer = self.send("/login", {"login": login, "password": password})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return self


@pytest.fixture
def client(app: APIFlask) -> CheckingClient:
    app.test_client_class = CheckingClient
    client = app.test_client()
    assert isinstance(client, CheckingClient)
    return client


@pytest.fixture
def db(site: Site) -> Iterator[Session]:
    """To look at what the pages did; ended before each page call by `commit()` of the test."""
    with site.sessions() as db:
        yield db


@dataclass(frozen=True)
class People:
    """Ada asks, Grace decides, Tom teaches, Eve is of another department, Alan administers, Olga audits."""

    pharmacy: UUID
    radiology: UUID
    ada: UUID
    grace: UUID
    tom: UUID
    eve: UUID
    alan: UUID
    olga: UUID
    sam: UUID


@pytest.fixture
def people(site: Site) -> People:
    with site.write_sessions.begin() as db:
        pharmacy, radiology = Department(slug="farmacia", name="Farmacia"), Department(slug="radio", name="Radiología")
        db.add_all([pharmacy, radiology])
        db.flush()
        make = account_maker(db)
        return People(
            pharmacy=pharmacy.id,
            radiology=radiology.id,
            ada=make("ada", Grant(Role.REQUESTER, pharmacy.id)).id,
            grace=make("grace", Grant(Role.APPROVER, pharmacy.id)).id,
            tom=make("tom", Grant(Role.TEACHER, pharmacy.id)).id,
            eve=make("eve", Grant(Role.REQUESTER, radiology.id)).id,
            alan=make("alan", Grant(Role.ADMIN, None)).id,
            olga=make("olga", Grant(Role.AUDITOR, None)).id,
            sam=make("sam", Grant(Role.STUDENT, pharmacy.id)).id,
        )


def account_maker(db: Session) -> Callable[..., Account]:
    def make(login: str, *grants: Grant) -> Account:
        return create_account(
            db,
            actor=None,
            login=login,
            name=login.capitalize(),
            email=f"{login}@hospital.example",
            password=PASSWORD,
            grants=grants,
            now=NOW,
        )

    return make


@pytest.fixture
def ada(client: CheckingClient, people: People) -> CheckingClient:
    return client.log_in("ada")


@pytest.fixture
def eve(client: CheckingClient, people: People) -> CheckingClient:
    return client.log_in("eve")


@pytest.fixture
def grace(client: CheckingClient, people: People) -> CheckingClient:
    return client.log_in("grace")


@pytest.fixture
def alan(client: CheckingClient, people: People) -> CheckingClient:
    return client.log_in("alan")


@pytest.fixture
def olga(client: CheckingClient, people: People) -> CheckingClient:
    return client.log_in("olga")
