"""Who finds a door closed, what never passes it, and which names are doors'."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from portal.core.lifecycle import LabSessionState, SeatState
from portal.live import door_access
from portal.models import LabSession, Seat
from portal.services import login_sessions
from tests.live.conftest import serving
from tests.live.door_classes import KEYS, DoorClass
from tests.live.doorways import Answer, Browser, at, at_door


def test_neither_our_cookies_nor_the_proxys_words_reach_the_machine(lesson: DoorClass) -> None:
    async def use(browser: Browser) -> None:
        cookies = f"vivero_seat=key; a=1; {browser.cookie}; vivero_session=k; b=vivero_x"
        answer = await browser.get(
            "/", Cookie=cookies, X_Forwarded_Host="portal", Forwarded="for=x", Connection="close, X-Hop", X_Hop="1"
        )
        assert answer.heard["cookie"] == "a=1; b=vivero_x"
        assert not {"x-forwarded-host", "forwarded", "x-hop", "connection"} & set(answer.heard)

    at(lesson, use)


def test_a_machine_cannot_reach_beyond_its_door(lesson: DoorClass) -> None:
    async def use(browser: Browser) -> Answer:
        return await browser.get("/bold")

    answer = at(lesson, use)
    assert answer.headers.get_all("Set-Cookie") == ["sid=1; Path=/; HttpOnly"]
    assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
    for name in (
        "Strict-Transport-Security",
        "Service-Worker-Allowed",
        "Alt-Svc",
        "Clear-Site-Data",
        "X-Accel-Redirect",
        "X-Secret",
    ):
        assert name not in answer.headers


def test_who_shows_no_cookie_finds_the_door_closed_in_their_language(lesson: DoorClass) -> None:
    async def use(browser: Browser) -> tuple[Answer, Answer]:
        english = await browser.get("/", Cookie="", Accept_Language="en")
        return english, await browser.get("/", Cookie="", Accept_Language="fr, es;q=0.5")

    english, spanish = at(lesson, use)
    assert (english.status, spanish.status) == (403, 403)
    assert b"This door is closed" in english.body
    assert b'<html lang="es">' in spanish.body
    assert b'href="http://127.0.0.1:8080/class"' in english.body


def test_another_seats_cookie_opens_nothing(lesson: DoorClass) -> None:
    async def scenario() -> None:
        async with at_door(lesson) as maria:
            noor = Browser(maria.server)
            await noor.enter(lesson.address("Noor"))
            assert (await noor.get("/")).status == 200
            assert (await noor.get("/", Host=maria.host)).status == 403
            assert (await maria.get("/", Host=noor.host)).status == 403
            with pytest.raises(InvalidStatus, match="403"):
                await noor.socket(additional_headers={"Cookie": maria.cookie})

    asyncio.run(scenario())


def test_a_cookie_planted_beside_the_right_one_does_no_harm(lesson: DoorClass) -> None:
    async def use(browser: Browser) -> Answer:
        return await browser.get("/", Cookie=f"vivero_door=planted; x=ñ; {browser.cookie}")

    assert at(lesson, use).status == 200


def test_each_door_of_a_seat_has_an_origin_of_its_own(lesson: DoorClass) -> None:
    labels = {urlsplit(lesson.address(name, door)).hostname for name in ("María", "Noor") for door in ("page", "admin")}
    assert len(labels) == 4


def test_a_ticket_opens_once_and_only_its_own_door(lesson: DoorClass) -> None:
    async def scenario() -> list[int]:
        async with serving(lesson.site) as server:
            browser, address = Browser(server), lesson.address("María")
            tries = [await browser.enter(address), await browser.enter(address)]
            tries.append(await browser.enter(lesson.address("María").replace("door=page", "door=admin")))
            tries.append(await browser.enter(lesson.address("María").replace("door=page", "door=nowhere")))
            tries.append(await browser.enter(lesson.address("María").replace("ticket=", "ticket=x")))
            other = urlsplit(lesson.address("Noor")).netloc
            address = lesson.address("María")
            tries.append(await browser.enter(address.replace(urlsplit(address).netloc, other)))
            return [answer.status for answer in tries]

    assert asyncio.run(scenario()) == [303, 403, 403, 403, 403, 403]


def test_a_ticket_that_is_too_old_opens_nothing(lesson: DoorClass) -> None:
    async def scenario() -> int:
        async with serving(lesson.site) as server:
            address = lesson.address("María")
            lesson.site.clock.forward(seconds=31)  # type: ignore[attr-defined]
            return (await Browser(server).enter(address)).status

    assert asyncio.run(scenario()) == 403


def test_a_doors_ticket_opens_no_console(lesson: DoorClass) -> None:
    ticket = parse_qs(urlsplit(lesson.address("María")).query)["ticket"][0]
    cookies = {"Cookie": f"other=María; vivero_seat={KEYS['María']}"}

    async def scenario() -> None:
        async with serving(lesson.site) as server:
            with pytest.raises(InvalidStatus, match="403"):
                await server.console(ticket, "", origin=lesson.site.settings.base_url, additional_headers=cookies)

    asyncio.run(scenario())


def end(lab_session: LabSession, seat: Seat) -> None:
    lab_session.move_to(LabSessionState.ENDED)


def lock(lab_session: LabSession, seat: Seat) -> None:
    lab_session.locked = True


def begin_again(lab_session: LabSession, seat: Seat) -> None:
    seat.move_to(SeatState.BUILDING)


def give_away(lab_session: LabSession, seat: Seat) -> None:
    seat.student_id = None


CHANGES = pytest.mark.parametrize("change", [end, lock, begin_again, give_away])


@CHANGES
def test_what_happens_to_the_class_closes_the_door(
    lesson: DoorClass, change: Callable[[LabSession, Seat], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_access, "FRESH_S", 0.0)

    async def use(browser: Browser) -> int:
        assert (await browser.get("/")).status == 200
        lesson.change("María", change)
        return (await browser.get("/")).status

    assert at(lesson, use) == 403


@CHANGES
def test_open_websockets_end_with_it(
    lesson: DoorClass, change: Callable[[LabSession, Seat], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_access, "FRESH_S", 0.1)

    async def use(browser: Browser) -> None:
        async with browser.socket() as socket:
            await socket.send("hello")
            assert await socket.recv() == "hello"
            lesson.change("María", change)
            with pytest.raises(ConnectionClosed) as refused:
                await asyncio.wait_for(socket.recv(), 5)
            assert refused.value.rcvd is not None
            assert refused.value.rcvd.code == 1008

    at(lesson, use)


def test_a_locked_class_opens_no_door_to_a_student_but_to_the_teacher(lesson: DoorClass) -> None:
    address = lesson.address("María")
    lesson.change("María", lock)

    async def scenario() -> tuple[int, int]:
        async with serving(lesson.site) as server:
            browser = Browser(server)
            return (await browser.enter(address)).status, (await browser.enter(lesson.address_of_tom())).status

    assert asyncio.run(scenario()) == (403, 303)


def test_a_teachers_door_closes_when_they_log_out(lesson: DoorClass, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_access, "FRESH_S", 0.0)

    async def use(browser: Browser) -> tuple[int, int]:
        await browser.enter(lesson.address_of_tom())
        before = await browser.get("/")
        with lesson.site.write_sessions.begin() as db:
            login_sessions.end(db, lesson.login_key)
        return before.status, (await browser.get("/")).status

    assert at(lesson, use) == (200, 403)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://seat-0123456789abcdef01234567.localhost"])
def test_other_pages_open_no_websocket_here(lesson: DoorClass, origin: str) -> None:
    async def use(browser: Browser) -> None:
        with pytest.raises(InvalidStatus, match="403"):
            await browser.socket(origin=origin)

    at(lesson, use)


def test_a_websocket_that_the_machine_refuses_is_refused(lesson: DoorClass) -> None:
    async def use(browser: Browser) -> None:
        with pytest.raises(InvalidStatus, match="403"):
            await browser.socket("/refuses")

    at(lesson, use)


@pytest.mark.parametrize(
    "host",
    [
        "nothing.localhost",
        "seat-1.localhost",
        "SEAT-0123456789ABCDEF0123456.localhost",
        "a.b.localhost:8080",
        "x.localhost.",
    ],
)
def test_names_that_no_door_has_are_not_found_and_never_the_portals(lesson: DoorClass, host: str) -> None:
    async def use(browser: Browser) -> Answer:
        return await browser.get("/vms", Host=host)

    answer = at(lesson, use)
    assert answer.status == 404
    assert b"GET" not in answer.body  # what the portal's own page says here


@pytest.mark.parametrize("path", ["/../vms", "/live/console", "/static/vivero.css", "//vms", "/%2e%2e/live/console"])
def test_no_path_of_a_door_leads_to_the_portal(lesson: DoorClass, path: str) -> None:
    async def use(browser: Browser) -> Answer:
        return await browser.get(path)

    assert at(lesson, use).told["path"] == path


@pytest.mark.parametrize("path", ["/.vivero/", "/.vivero/x", "/%2evivero/enter2"])
def test_our_own_paths_at_a_door_never_reach_the_machine(lesson: DoorClass, path: str) -> None:
    async def use(browser: Browser) -> Answer:
        return await browser.get(path)

    assert at(lesson, use).status == 404


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost.", "vivero.example", "xlocalhost"])
def test_the_portals_own_names_never_lead_to_a_door(lesson: DoorClass, host: str) -> None:
    async def use(browser: Browser) -> Answer:
        return await browser.get("/vms", Host=host)

    assert at(lesson, use).body == b"GET 0"


@pytest.mark.parametrize("line", [b"GET http://127.0.0.1/vms HTTP/1.1", b"OPTIONS * HTTP/1.1"])
def test_addresses_that_are_no_paths_are_refused(lesson: DoorClass, line: bytes) -> None:
    async def use(browser: Browser) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", browser.server.port)
        head = f"Host: {browser.host}\r\nCookie: {browser.cookie}\r\nConnection: close\r\n\r\n"
        writer.write(line + b"\r\n" + head.encode())
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return said

    assert b" 400 " in at(lesson, use)
