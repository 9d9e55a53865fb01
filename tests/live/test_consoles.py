"""Consoles over a real WebSocket: who gets in, what passes, and what ends them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session
from websockets.exceptions import ConnectionClosed, InvalidStatus

from portal.interfaces import ConsoleKind
from portal.models import Account, Vm
from portal.services import login_sessions
from portal.site import Site
from tests.factories import make_account
from tests.live.conftest import AtHome, StandingClock, audited, serving, ticket_for


async def read_until(console: Any, wanted: bytes) -> bytes:
    seen = b""
    async with asyncio.timeout(10):
        while wanted not in seen:
            seen += await console.recv()
    return seen


async def ending_of(console: Any) -> tuple[int, str]:
    """What the server said when it closed."""
    try:
        async with asyncio.timeout(10):
            while True:
                await console.recv()
    except ConnectionClosed as closed:
        return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (0, "no close frame")


def test_what_is_typed_reaches_the_serial_line_and_comes_back(site: Site, ada: AtHome) -> None:
    async def scenario() -> None:
        async with serving(site) as server, server.console(ticket_for(site, ada), ada.key) as console:
            await console.send(b"uname -a")
            assert await read_until(console, b"uname -a")
            assert console.subprotocol == "binary"

    asyncio.run(scenario())
    assert audited(site) == [("console.opened", ""), ("console.closed", "left")]


def test_a_ticket_opens_once(site: Site, ada: AtHome) -> None:
    async def scenario() -> None:
        async with serving(site) as server:
            ticket = ticket_for(site, ada)
            async with server.console(ticket, ada.key):
                with pytest.raises(InvalidStatus, match="403"):
                    await server.console(ticket, ada.key)

    asyncio.run(scenario())


def test_of_ten_tries_at_once_one_gets_in(site: Site, ada: AtHome) -> None:
    async def scenario() -> list[Any]:
        async with serving(site) as server:
            ticket = ticket_for(site, ada)
            tries = [asyncio.create_task(server.console(ticket, ada.key).__aenter__()) for _ in range(10)]
            return await asyncio.gather(*tries, return_exceptions=True)

    outcomes = asyncio.run(scenario())
    assert sum(not isinstance(outcome, InvalidStatus) for outcome in outcomes) == 1


def test_a_ticket_is_over_after_thirty_seconds(site: Site, ada: AtHome, clock: StandingClock) -> None:
    async def scenario() -> None:
        async with serving(site) as server:
            ticket = ticket_for(site, ada)
            clock.forward(seconds=31)
            with pytest.raises(InvalidStatus, match="403"):
                await server.console(ticket, ada.key)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "https://vivero.example", "http://vivero.example:81"]
)
def test_pages_of_others_open_no_console(site: Site, ada: AtHome, origin: str | None) -> None:
    async def scenario() -> None:
        async with serving(site) as server:
            with pytest.raises(InvalidStatus, match="403"):
                await server.console(ticket_for(site, ada), ada.key, origin=origin)

    asyncio.run(scenario())


def test_a_ticket_is_worth_nothing_in_another_login(site: Site, ada: AtHome, db: Session) -> None:
    other = login_sessions.open_session(db, account_id=ada.account.id, now=site.clock())
    db.commit()

    async def scenario() -> None:
        async with serving(site) as server:
            with pytest.raises(InvalidStatus, match="403"):
                await server.console(ticket_for(site, ada), other)

    asyncio.run(scenario())


def test_without_the_cookie_or_the_ticket_nobody_gets_in(site: Site, ada: AtHome) -> None:
    async def scenario() -> None:
        async with serving(site) as server:
            ticket = ticket_for(site, ada)
            for changes in ({"additional_headers": {}}, {"subprotocols": ["binary"]}, {"subprotocols": None}):
                with pytest.raises(InvalidStatus, match="403"):
                    await server.console(ticket, ada.key, **changes)

    asyncio.run(scenario())


@pytest.mark.slow
def test_logging_out_closes_the_console_within_five_seconds(site: Site, ada: AtHome) -> None:
    async def scenario() -> tuple[int, str]:
        async with serving(site) as server, server.console(ticket_for(site, ada), ada.key) as console:
            await read_until(console, b"$")
            with site.write_sessions.begin() as db:
                login_sessions.end(db, ada.key)
            async with asyncio.timeout(5):
                return await ending_of(console)

    assert asyncio.run(scenario()) == (4401, "logged-out")
    assert audited(site)[-1] == ("console.closed", "logged-out")


@pytest.mark.slow
def test_an_idle_login_closes_the_console(site: Site, ada: AtHome, clock: StandingClock) -> None:
    async def scenario() -> tuple[int, str]:
        async with serving(site) as server, server.console(ticket_for(site, ada), ada.key) as console:
            await read_until(console, b"$")
            clock.forward(minutes=16)
            return await ending_of(console)

    assert asyncio.run(scenario()) == (4401, "logged-out")


@pytest.mark.slow
def test_who_loses_the_machine_loses_the_console(site: Site, ada: AtHome, db: Session) -> None:
    other = make_account(db, "eve", department="radiologia")
    db.commit()

    async def scenario() -> tuple[int, str]:
        async with serving(site) as server, server.console(ticket_for(site, ada), ada.key) as console:
            await read_until(console, b"$")
            with site.write_sessions.begin() as changing:
                changing.execute(update(Vm).values(owner_id=other.id, department_id=other.memberships[0].department_id))
            return await ending_of(console)

    assert asyncio.run(scenario()) == (4403, "not-allowed")


@pytest.mark.slow
def test_a_shut_out_account_loses_the_console(site: Site, ada: AtHome) -> None:
    async def scenario() -> tuple[int, str]:
        async with serving(site) as server, server.console(ticket_for(site, ada), ada.key) as console:
            await read_until(console, b"$")
            with site.write_sessions.begin() as changing:
                changing.execute(update(Account).values(active=False))
            return await ending_of(console)

    assert asyncio.run(scenario()) == (4401, "logged-out")


def test_a_stopped_machine_says_so(site: Site, ada: AtHome) -> None:
    async def scenario() -> tuple[int, str]:
        async with serving(site) as server, server.console(ticket_for(site, ada), ada.key) as console:
            await read_until(console, b"$")
            server.consoles.stop_machine(ada.vm.id)
            return await ending_of(console)

    assert asyncio.run(scenario()) == (4410, "machine-stopped")


def test_a_silent_host_says_so(site: Site, ada: AtHome) -> None:
    async def scenario() -> tuple[int, str]:
        async with serving(site) as server:
            server.consoles.unreachable.add("hv1")
            async with server.console(ticket_for(site, ada), ada.key) as console:
                return await ending_of(console)

    assert asyncio.run(scenario()) == (4503, "host-unreachable")


def test_a_serial_line_belongs_to_who_opened_it_last(site: Site, ada: AtHome) -> None:
    async def scenario() -> tuple[int, str]:
        async with serving(site) as server, server.console(ticket_for(site, ada), ada.key) as first:
            await read_until(first, b"$")
            async with server.console(ticket_for(site, ada), ada.key) as second:
                await second.send(b"mine")
                await read_until(second, b"mine")
                return await ending_of(first)

    assert asyncio.run(scenario()) == (4409, "opened-elsewhere")


def test_one_login_holds_so_many_consoles(site: Site, ada: AtHome) -> None:
    async def scenario() -> tuple[int, str]:
        async with serving(site) as server:
            kind = ConsoleKind.GRAPHICAL
            held = [await server.console(ticket_for(site, ada, kind=kind), ada.key) for _ in range(13)]
            return await ending_of(held[-1])

    assert asyncio.run(scenario()) == (4429, "too-many-consoles")


def test_too_large_a_frame_ends_the_console(site: Site, ada: AtHome) -> None:
    async def scenario() -> tuple[int, str]:
        async with serving(site) as server, server.console(ticket_for(site, ada), ada.key) as console:
            await console.send(b"x" * ((1 << 20) + 1))
            return await ending_of(console)

    assert asyncio.run(scenario())[0] == 1009


def test_the_servers_end_closes_consoles_and_is_written_down(site: Site, ada: AtHome) -> None:
    async def scenario() -> tuple[int, str]:
        async with serving(site) as server:
            console = await server.console(ticket_for(site, ada), ada.key)
            await read_until(console, b"$")
        return await ending_of(console)

    assert asyncio.run(scenario())[0] in {1001, 1012}
    assert audited(site)[-1][0] == "console.closed"


GREETINGS = b"RFB 003.008\n", b"\x01", b"\x01"
UPDATE = b"\x03\x00" + b"\x00\x00\x00\x00\x01\x40\x00\xc8"
CHANGES = b"\x03\x01" + b"\x00\x00\x00\x00\x01\x40\x00\xc8"
KEY_DOWN = b"\x04\x01\x00\x00\x00\x00\x00a"


async def marks_after_a_key(site: Site, ada: AtHome, *, view_only: bool) -> int:
    async with serving(site) as server:
        ticket = ticket_for(site, ada, kind=ConsoleKind.GRAPHICAL, view_only=view_only)
        async with server.console(ticket, ada.key) as console:
            for greeting in GREETINGS:
                await console.send(greeting)
            await read_until(console, b"Vivero simulator")
            await console.send(KEY_DOWN + UPDATE + CHANGES)
            await read_until(console, b"\x00\x00\x00\x02")
            return server.consoles.open_streams[ada.vm.id, ConsoleKind.GRAPHICAL].screen.marks


def test_keys_reach_the_screen(site: Site, ada: AtHome) -> None:
    assert asyncio.run(marks_after_a_key(site, ada, view_only=False)) == 1


def test_who_only_looks_presses_no_keys(site: Site, ada: AtHome) -> None:
    assert asyncio.run(marks_after_a_key(site, ada, view_only=True)) == 0


def test_the_screen_changes_by_itself(site: Site, ada: AtHome) -> None:
    async def scenario() -> set[bytes]:
        pictures = set()
        async with serving(site) as server:
            ticket = ticket_for(site, ada, kind=ConsoleKind.GRAPHICAL)
            async with server.console(ticket, ada.key) as console:
                for greeting in GREETINGS:
                    await console.send(greeting)
                await read_until(console, b"Vivero simulator")
                for _ in range(3):
                    await console.send(CHANGES)
                    async with asyncio.timeout(5):
                        pictures.add(await console.recv())
        return pictures

    assert len(asyncio.run(scenario())) == 3


def test_what_is_not_rfb_ends_the_console(site: Site, ada: AtHome) -> None:
    async def scenario() -> tuple[int, str]:
        async with serving(site) as server:
            ticket = ticket_for(site, ada, kind=ConsoleKind.GRAPHICAL)
            async with server.console(ticket, ada.key) as console:
                await console.send(b"GET / HTTP/1.1\r\n\r\n")
                return await ending_of(console)

    assert asyncio.run(scenario()) == (1002, "not-rfb")
