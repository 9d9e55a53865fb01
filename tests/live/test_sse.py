"""Server-sent events over a real connection: who may watch, what is told, and when it ends."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.core.lifecycle import WorkflowState
from portal.live import sse
from portal.models import Workflow
from portal.services import login_sessions
from portal.site import Site
from tests.factories import make_account, make_vm_request
from tests.factories.moments import NOW
from tests.live.conftest import AtHome, serving


@pytest.fixture
def work(db: Session, ada: AtHome) -> Workflow:
    vm_request = make_vm_request(db, by=db.merge(ada.account), state="provisioning")
    workflow = Workflow(id="provision-1", kind="provision", subject_id=vm_request.id, created_at=NOW, state="running")
    db.add(workflow)
    db.commit()
    return workflow


def change(site: Site, **values: object) -> None:
    with site.write_sessions.begin() as db:
        db.execute(update(Workflow).values(**values))


async def next_event(reader: asyncio.StreamReader) -> tuple[str, str]:
    """Name and data of the next event; heartbeats are passed over."""
    name = ""
    async with asyncio.timeout(10):
        while True:
            line = (await reader.readline()).decode().strip()
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return name, line.removeprefix("data: ")


def test_a_page_hears_of_each_change_until_the_work_has_ended(site: Site, ada: AtHome, work: Workflow) -> None:
    async def scenario() -> list[tuple[str, str]]:
        async with serving(site) as server:
            reader, writer = await server.ask(f"/live/workflows/{work.subject_id}", ada.key)
            heard = [await next_event(reader)]
            change(site, revision=7)
            heard.append(await next_event(reader))
            change(site, revision=9, state=WorkflowState.DONE)
            heard += [await next_event(reader), await next_event(reader)]
            assert b"event" not in await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return heard

    assert asyncio.run(scenario()) == [("progress", "0"), ("progress", "7"), ("progress", "9"), ("ended", "9")]


def test_twenty_pages_cost_one_question(
    site: Site, ada: AtHome, work: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.live.desk.MOST_FOR_ONE_LOGIN", 100)

    async def scenario() -> frozenset[UUID]:
        async with serving(site) as server:
            readers = [await server.ask(f"/live/workflows/{work.subject_id}", ada.key) for _ in range(20)]
            for reader, _writer in readers:
                await next_event(reader)
            desk = server.portal.live._desk
            assert desk is not None
            watched = frozenset(desk.pulses._watches)
            for _reader, writer in readers:
                writer.close()
            return watched

    assert asyncio.run(scenario()) == {work.subject_id}


def test_a_heartbeat_keeps_the_line_open(
    site: Site, ada: AtHome, work: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_S", 0.2)

    async def scenario() -> None:
        async with serving(site) as server:
            reader, writer = await server.ask(f"/live/workflows/{work.subject_id}", ada.key)
            await next_event(reader)
            await asyncio.wait_for(reader.readuntil(b": still here"), 5)
            writer.close()

    asyncio.run(scenario())


def test_who_is_not_logged_in_hears_nothing(site: Site, ada: AtHome, work: Workflow) -> None:
    async def scenario() -> bytes:
        async with serving(site) as server:
            return await server.get(f"/live/workflows/{work.subject_id}", "a made-up key")

    assert b" 401 " in asyncio.run(scenario())


def test_another_department_hears_nothing(site: Site, db: Session, ada: AtHome, work: Workflow) -> None:
    eve = make_account(db, "eve", department="radiologia")
    key = login_sessions.open_session(db, account_id=eve.id, now=NOW)
    db.commit()

    async def scenario() -> tuple[bytes, bytes]:
        async with serving(site) as server:
            theirs = await server.get(f"/live/workflows/{work.subject_id}", key)
            return theirs, await server.get(f"/live/workflows/{uuid4()}", key)

    theirs, unknown = asyncio.run(scenario())
    assert b" 404 " in theirs
    assert theirs.split(b"\r\n\r\n")[1] == unknown.split(b"\r\n\r\n")[1]


@pytest.mark.slow
def test_logging_out_ends_the_events(site: Site, ada: AtHome, work: Workflow) -> None:
    async def scenario() -> None:
        async with serving(site) as server:
            reader, writer = await server.ask(f"/live/workflows/{work.subject_id}", ada.key)
            await next_event(reader)
            with site.write_sessions.begin() as changing:
                login_sessions.end(changing, ada.key)
            await asyncio.wait_for(reader.read(), 5)
            writer.close()

    asyncio.run(scenario())


def test_one_login_holds_so_many_lines(site: Site, ada: AtHome, work: Workflow) -> None:
    async def scenario() -> bytes:
        async with serving(site) as server:
            held = [await server.ask(f"/live/workflows/{work.subject_id}", ada.key) for _ in range(12)]
            for reader, _writer in held:
                await next_event(reader)
            answer = await server.get(f"/live/workflows/{work.subject_id}", ada.key)
            for _reader, writer in held:
                writer.close()
            return answer

    assert b" 429 " in asyncio.run(scenario())


@pytest.mark.parametrize(("path", "status"), [("/live/nothing", b" 404 "), ("/live/workflows/7", b" 404 ")])
def test_other_paths_are_not_there(site: Site, path: str, status: bytes) -> None:
    async def scenario() -> bytes:
        async with serving(site) as server:
            return await server.get(path)

    assert status in asyncio.run(scenario())


def test_events_are_only_read(site: Site, ada: AtHome, work: Workflow) -> None:
    async def scenario() -> bytes:
        async with serving(site) as server:
            return await server.get(f"/live/workflows/{work.subject_id}", ada.key, method="POST")

    assert b" 405 " in asyncio.run(scenario())
