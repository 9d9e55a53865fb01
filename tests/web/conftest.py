"""A site with a database of its own and people who log in; every page that comes back is checked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from portal.backends.lab_reader_yaml import YamlLabReader
from portal.config import Settings
from portal.core.policy import Role
from portal.models import Account
from portal.models.database import make_sessions, make_write_sessions
from portal.site import Site
from portal.web import make_app
from portal.web.limits import limiter
from portal.web.sessions import Sessions
from tests.factories import (
    make_account,
    make_department,
    make_host,
    make_lab_session,
    make_seat,
    make_student,
    make_vm,
)
from tests.factories.moments import NOW
from tests.web.hypervisor import KeptMachines
from tests.web.markup import check_markup

PASSWORD = "pino-y-romero-2027"


@dataclass
class FixedClock:
    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


class RememberingQueue:
    def __init__(self) -> None:
        self.enqueued: list[tuple[str, str, str]] = []

    def enqueue(self, db: object, *, workflow: str, workflow_id: str, subject_id: str, clean_up: bool = False) -> None:
        self.enqueued.append((workflow, workflow_id, subject_id))


class Nothing:
    """An outside that no page may ask in this test."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody should ask for {name}")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def settings(tmp_path: Path, kept_url: str) -> Settings:
    return Settings(
        var=tmp_path,
        database_url=kept_url,
        engine_database_url=f"sqlite:///{tmp_path}/engine.db",
        secret_key="a secret for tests only, long enough",
        base_url="http://localhost",
    )


@pytest.fixture
def hypervisor() -> KeptMachines:
    return KeptMachines()


@pytest.fixture
def site(settings: Settings, clock: FixedClock, hypervisor: Any, kept_engine: Engine) -> Site:
    return Site(
        settings=settings,
        sessions=make_sessions(kept_engine),
        write_sessions=make_write_sessions(kept_engine),
        queue=RememberingQueue(),
        hypervisor=hypervisor,
        playbooks=Nothing(),
        reachability=Nothing(),
        doors=Nothing(),
        lab_reader=YamlLabReader(),
        mailer=Nothing(),
        clock=clock,
    )


@pytest.fixture(scope="session")
def compiled_pages(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """For tests with an application of their own: pages are compiled once."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("pages")))


@pytest.fixture(scope="session")
def kept_apps() -> list[APIFlask]:
    """Binding a hundred routes takes longer than most tests, so it is done once; each test brings its own site."""
    return []


@pytest.fixture
def app(site: Site, compiled_pages: FileSystemBytecodeCache, kept_apps: list[APIFlask]) -> APIFlask:
    if not kept_apps:
        kept_apps.append(app_of(site, compiled_pages))
    app = kept_apps[0]
    app.extensions["vivero"], app.session_interface = site, Sessions(site)
    app.test_client_class = None
    limiter.enabled = False  # one person logs in more often here than anybody would
    return app


def app_of(site: Site, compiled_pages: FileSystemBytecodeCache) -> APIFlask:
    app = make_app(site)
    app.jinja_env.bytecode_cache = compiled_pages
    app.testing = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
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


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Made with little work, so that the many log-ins of tests are quick; the first log-in makes nothing of it."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@pytest.fixture
def people(site: Site, password_hash: str) -> People:
    roles = {
        "ada": Role.REQUESTER,
        "grace": Role.APPROVER,
        "tom": Role.TEACHER,
        "eve": Role.REQUESTER,
        "alan": Role.ADMIN,
        "olga": Role.AUDITOR,
        "sam": Role.STUDENT,
    }
    with site.write_sessions.begin() as db:
        ids = {
            login: make_account(
                db,
                login,
                role=role,
                department="radiologia" if login == "eve" else "farmacia",
                password_hash=password_hash,
            ).id
            for login, role in roles.items()
        }
        pharmacy, radiology = make_department(db, "farmacia").id, make_department(db, "radiologia").id
    return People(pharmacy=pharmacy, radiology=radiology, **ids)


@pytest.fixture
def machine(site: Site, people: People, hypervisor: KeptMachines) -> UUID:
    """A machine of Ada's that runs on a host."""
    with site.write_sessions.begin() as db:
        host = make_host(db, "hv1")
        owner = db.get_one(Account, people.ada)
        vm = make_vm(db, owner=owner, name="moodle-farmacia", host_id=host.id, address="10.77.16.20")
        hypervisor.add(vm.id, vm.name)
        return vm.id


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


STUDENT_KEY = "the key of María"


@pytest.fixture
def lab_session(site: Site, people: People) -> UUID:
    """A class of Tom's that goes on, with María and Noor at their seats."""
    with site.write_sessions.begin() as db:
        row = make_lab_session(db, teacher=db.get_one(Account, people.tom), join_code="K7M4QP", seats=3)
        host = make_host(db, "hv2")
        maria = make_student(db, row, "María", key=STUDENT_KEY, step="look")
        make_seat(db, row, number=1, student=maria, host_id=host.id)
        make_seat(db, row, number=2, student=make_student(db, row, "Noor"), host_id=host.id)
        return row.id


@pytest.fixture
def joined(client: CheckingClient, lab_session: UUID) -> CheckingClient:
    """The browser is María's too."""
    client.set_cookie("vivero_seat", STUDENT_KEY)
    return client


class Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's own name
        """Nothing: the pages are looked at, not the calls."""


@pytest.fixture
def address(app: APIFlask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(locale="es-ES")
    page = context.new_page()
    yield page
    context.close()
