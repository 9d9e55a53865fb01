"""A real server on loopback with fake consoles; people logged in; a browser's side of WebSocket and events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import websockets
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.wrappers import Request, Response

from portal.asgi import Portal
from portal.backends.consoles_fake import FakeConsoles
from portal.backends.door_streams_fake import FakeDoorStreams
from portal.backends.lab_reader_yaml import YamlLabReader
from portal.cli.server import make_server
from portal.config import Settings
from portal.interfaces import ConsoleKind
from portal.live import make_live
from portal.models import Account, AuditEntry, Vm
from portal.services import consoles, login_sessions
from portal.services.accounts import actor_of
from portal.site import Site
from tests.factories import ListQueue, make_account, make_host, make_vm
from tests.factories.moments import NOW
from tests.live.door_classes import DoorClass, make_door_class
from tests.live.guests import on_loopback


class StandingClock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **much: float) -> None:
        self.at += timedelta(**much)


class Nothing:
    """An outside that must not be asked here."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody should ask for {name}")


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def site(
    tmp_path: Path,
    sessions: sessionmaker[Session],
    write_sessions: sessionmaker[Session],
    clock: StandingClock,
) -> Site:
    settings = Settings(
        var=tmp_path, database_url="", engine_database_url="", secret_key="x", base_url="http://vivero.example"
    )
    return Site(
        settings=settings,
        sessions=sessions,
        write_sessions=write_sessions,
        queue=ListQueue(),
        hypervisor=Nothing(),
        playbooks=Nothing(),
        reachability=Nothing(),
        doors=Nothing(),
        lab_reader=YamlLabReader(),
        mailer=Nothing(),
        clock=clock,
    )


@Request.application
def hello(request: Request) -> Response:
    return Response(f"{request.method} {len(request.get_data())}")


@dataclass
class Running:
    """The server as a browser reaches it."""

    site: Site
    port: int
    consoles: FakeConsoles
    doors: FakeDoorStreams
    portal: Portal

    def console(self, ticket: str, key: str, *, origin: str | None = "http://vivero.example", **changes: Any) -> Any:
        ordinary = {
            "subprotocols": ["binary", f"vivero.ticket.{ticket}"],
            "additional_headers": {"Cookie": f"vivero_session={key}"},
            "compression": None,
        }
        return websockets.connect(f"ws://127.0.0.1:{self.port}/live/console", origin=origin, **{**ordinary, **changes})

    async def get(self, path: str, key: str = "", *, method: str = "GET", body: bytes = b"") -> bytes:
        """The whole answer, head and body, until the server closes."""
        reader, writer = await self.ask(path, key, method=method, body=body)
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer

    async def ask(
        self, path: str, key: str = "", *, method: str = "GET", body: bytes = b""
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: vivero.example\r\nConnection: close\r\nCookie: vivero_session={key}\r\n"
        )
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        return reader, writer


@asynccontextmanager
async def serving(site: Site) -> AsyncIterator[Running]:
    fakes, doors = FakeConsoles(), FakeDoorStreams()
    portal = Portal(hello, make_live(site, fakes, doors))
    with on_loopback() as listener:
        port = listener.getsockname()[1]
        server = make_server(portal, host="127.0.0.1", port=port)
        running = asyncio.create_task(server._serve([listener]))  # not serve(): signals stay pytest's
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield Running(site, port, fakes, doors, portal)
        finally:
            server.should_exit = True
            await asyncio.wait_for(running, 15)


@pytest.fixture
def lesson(site: Site, db: Session) -> DoorClass:
    """Of a lab with doors; tests of other classes have a `lesson` of their own."""
    return make_door_class(site, db)


@dataclass(frozen=True)
class AtHome:
    """Ada, logged in, and a running machine of hers."""

    account: Account
    key: str
    vm: Vm

    @property
    def session_hash(self) -> str:
        return login_sessions.hash_of(self.key)


@pytest.fixture
def ada(db: Session) -> AtHome:
    account = make_account(db, "ada")
    vm = make_vm(db, owner=account, name="wiki", host_id=make_host(db).id)
    key = login_sessions.open_session(db, account_id=account.id, now=NOW)
    db.commit()
    return AtHome(account, key, vm)


def ticket_for(site: Site, person: AtHome, *, kind: ConsoleKind = ConsoleKind.SERIAL, view_only: bool = False) -> str:
    with site.write_sessions.begin() as db:
        account = db.get(Account, person.account.id)
        assert account is not None
        return consoles.issue_ticket(
            db,
            actor=actor_of(account),
            vm_id=person.vm.id,
            kind=kind,
            login_session_hash=person.session_hash,
            now=site.clock(),
            view_only=view_only,
        )


def audited(site: Site) -> list[tuple[str, str]]:
    with site.sessions() as db:
        rows = db.scalars(select(AuditEntry).where(AuditEntry.action.like("console.%")).order_by(AuditEntry.id))
        return [(row.action, row.reason) for row in rows]
