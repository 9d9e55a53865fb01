"""Doors of seats through the real server: pages and WebSockets of a guest on loopback, and all that is refused."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import websockets
from sqlalchemy.orm import Session
from websockets.exceptions import ConnectionClosed, InvalidStatus

from portal.core.labs import LabDoor
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.policy import Role
from portal.core.templates import Words
from portal.live import door_access, door_http, door_lines
from portal.models import Account, LabSession, Seat, Student
from portal.services import doors, login_sessions
from portal.services.accounts import actor_of
from portal.site import Site
from tests.factories import (
    make_account,
    make_host,
    make_lab_session,
    make_lab_version,
    make_seat,
    make_student,
)
from tests.factories.moments import NOW
from tests.live.conftest import Running, serving
from tests.live.guests import LARGE, Behaviour, guest, raw_guest

WORDS = Words("La página", "The page")
DOORS = (LabDoor("page", WORDS, "server", 80, "/start"), LabDoor("admin", WORDS, "server", 8080))
SOCKET = "server-80"


@pytest.fixture
def base_url() -> str:
    return "http://127.0.0.1:8080"


KEYS = {"María": "key-of-maria", "Noor": "key-of-noor"}


@dataclass(frozen=True)
class Class:
    """Tom's class with María and Noor in it."""

    site: Site
    lab_session: LabSession
    seats: dict[str, Seat]
    tom: Account
    login_key: str

    def address(self, name: str, door: str = "page") -> str:
        """What the student's page leads to."""
        with self.site.write_sessions.begin() as db:
            student = db.get_one(Student, self.seats[name].student_id)
            now = self.site.clock()
            return doors.issue_for_student(db, settings=self.site.settings, student=student, door=door, now=now)

    def address_of_tom(self) -> str:
        with self.site.write_sessions.begin() as db:
            return doors.issue_for_teacher(
                db,
                settings=self.site.settings,
                actor=actor_of(db.get_one(Account, self.tom.id)),
                login_session_hash=login_sessions.hash_of(self.login_key),
                seat_id=self.seats["María"].id,
                door="page",
                now=self.site.clock(),
            )

    def change(self, name: str, work: Callable[[LabSession, Seat], None]) -> None:
        with self.site.write_sessions.begin() as db:
            work(db.get_one(LabSession, self.lab_session.id), db.get_one(Seat, self.seats[name].id))


@pytest.fixture
def lesson(site: Site, db: Session) -> Class:
    tom = make_account(db, "tom", role=Role.TEACHER)
    lab_session = make_lab_session(db, teacher=tom, lab_version=make_lab_version(db, doors=DOORS))
    host = make_host(db)
    seats = {
        name: make_seat(
            db, lab_session, number=number, student=make_student(db, lab_session, name, key=key), host_id=host.id
        )
        for number, (name, key) in enumerate(KEYS.items(), start=1)
    }
    login_key = login_sessions.open_session(db, account_id=tom.id, now=NOW)
    db.commit()
    return Class(site, lab_session, seats, tom, login_key)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def heard(self) -> dict[str, str]:
        """The headers that reached the guest."""
        return dict(self.told["headers"])


def call(port: int, host: str, path: str, method: str, body: bytes | None, headers: dict[str, str]) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with closing(connection):
        connection.request(method, path, body, {"Host": host, **headers})
        with connection.getresponse() as answer:
            return Answer(answer.status, answer.headers, answer.read())


@dataclass
class Browser:
    """Keeps the cookie of the door that it entered."""

    server: Running
    host: str = ""
    cookie: str = ""
    answers: list[Answer] = field(default_factory=list)

    async def enter(self, address: str) -> Answer:
        parts = urlsplit(address)
        self.host = parts.netloc
        answer = await self.get(f"{parts.path}?{parts.query}")
        self.cookie = (answer.headers["Set-Cookie"] or "").partition(";")[0]
        return answer

    async def get(self, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        sent = {"Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
        host = sent.pop("Host", self.host)
        return await asyncio.to_thread(call, self.server.port, host, path, method, body, sent)

    def socket(self, path: str = "/echo", **changes: Any) -> Any:
        ordinary = {"additional_headers": {"Cookie": self.cookie}, "origin": f"http://{self.host}"}
        return websockets.connect(
            f"ws://{self.host}{path}", host="127.0.0.1", port=self.server.port, **{**ordinary, **changes}
        )


@asynccontextmanager
async def at_door(lesson: Class, name: str = "María", *, port: int | None = None) -> AsyncIterator[Browser]:
    """A browser that has entered; behind the door stands `port`, or the application of guests.py."""
    async with serving(lesson.site) as server, guest() as ordinary:
        server.doors.lead(SOCKET, port or ordinary)
        browser = Browser(server)
        await browser.enter(lesson.address(name))
        yield browser


def at(lesson: Class, use: Callable[[Browser], Awaitable[Any]]) -> Any:
    async def scenario() -> Any:
        async with at_door(lesson) as browser:
            return await use(browser)

    return asyncio.run(scenario())


def behind(lesson: Class, behave: Behaviour, use: Callable[[Browser], Awaitable[Any]]) -> Any:
    """The same with a guest that misbehaves."""

    async def scenario() -> Any:
        async with raw_guest(behave) as port, at_door(lesson, port=port) as browser:
            return await use(browser)

    return asyncio.run(scenario())


def test_the_ticket_becomes_a_cookie_and_leads_to_the_doors_page(site: Site, lesson: Class) -> None:
    async def scenario() -> Answer:
        async with serving(site) as server:
            return await Browser(server).enter(lesson.address("María"))

    answer = asyncio.run(scenario())
    assert answer.status == 303
    assert answer.headers["Location"].endswith(".localhost:8080/start")
    cookie = answer.headers["Set-Cookie"]
    assert all(part in cookie for part in ("vivero_door=", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in cookie
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_page_comes_through_with_the_hosts_own_name(lesson: Class) -> None:
    async def use(browser: Browser) -> None:
        answer = await browser.get("/a%2Fb?x=1&y=%20")
        assert (answer.status, answer.told["path"], answer.told["query"]) == (200, "/a%2Fb", "x=1&y=%20")
        assert answer.heard["host"] == browser.host
        assert answer.heard["x-forwarded-proto"] == "http"
        assert answer.heard["x-forwarded-for"] == "127.0.0.1"
        assert answer.headers["Referrer-Policy"] == "same-origin"

    at(lesson, use)


def test_a_form_is_sent_and_a_redirect_stays_at_the_door(lesson: Class) -> None:
    async def use(browser: Browser) -> None:
        posted = await browser.get("/form", method="POST", body=b"name=Ada", Content_Type="text/plain")
        assert (posted.told["method"], posted.told["body"]) == ("POST", "name=Ada")
        led = await browser.get("/redirect")
        assert (led.status, led.headers["Location"]) == (302, f"http://{browser.host}/next")

    at(lesson, use)


def test_heads_and_answers_without_a_body_end_at_once(lesson: Class) -> None:
    async def use(browser: Browser) -> None:
        assert (await browser.get("/", method="HEAD")).body == b""
        assert (await browser.get("/nothing")).status == 204
        assert (await browser.get("/")).status == 200

    at(lesson, use)


def test_a_large_download_and_a_large_upload_pass(lesson: Class) -> None:
    async def use(browser: Browser) -> None:
        assert len((await browser.get("/large")).body) == LARGE
        assert (await browser.get("/length", method="POST", body=b"x" * (3 << 20))).body == str(3 << 20).encode()

    at(lesson, use)


def test_a_body_in_chunks_arrives_in_chunks(lesson: Class) -> None:
    async def use(browser: Browser) -> None:
        def post() -> bytes:
            connection = http.client.HTTPConnection("127.0.0.1", browser.server.port, timeout=20)
            headers = {"Host": browser.host, "Cookie": browser.cookie}
            connection.request("POST", "/length", iter([b"abc", b"defg"]), headers, encode_chunked=True)
            said = connection.getresponse().read()
            connection.close()
            return said

        assert await asyncio.to_thread(post) == b"7"

    at(lesson, use)


def test_too_large_a_body_is_refused_in_words(lesson: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_http, "LARGEST_BODY", 1000)

    async def use(browser: Browser) -> Answer:
        return await browser.get("/length", method="POST", body=b"x" * 1001)

    assert at(lesson, use).status == 413


def test_connections_to_the_machine_are_kept_for_the_next_request(lesson: Class) -> None:
    async def use(browser: Browser) -> None:
        for _ in range(5):
            assert (await browser.get("/")).status == 200
        assert browser.server.doors.opened == 1

    at(lesson, use)


def test_neither_our_cookies_nor_the_proxys_words_reach_the_machine(lesson: Class) -> None:
    async def use(browser: Browser) -> None:
        cookies = f"vivero_seat=key; a=1; {browser.cookie}; vivero_session=k; b=vivero_x"
        answer = await browser.get(
            "/", Cookie=cookies, X_Forwarded_Host="portal", Forwarded="for=x", Connection="close, X-Hop", X_Hop="1"
        )
        assert answer.heard["cookie"] == "a=1; b=vivero_x"
        assert not {"x-forwarded-host", "forwarded", "x-hop", "connection"} & set(answer.heard)

    at(lesson, use)


def test_a_machine_cannot_reach_beyond_its_door(lesson: Class) -> None:
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


def test_who_shows_no_cookie_finds_the_door_closed_in_their_language(lesson: Class) -> None:
    async def use(browser: Browser) -> tuple[Answer, Answer]:
        english = await browser.get("/", Cookie="", Accept_Language="en")
        return english, await browser.get("/", Cookie="", Accept_Language="fr, es;q=0.5")

    english, spanish = at(lesson, use)
    assert (english.status, spanish.status) == (403, 403)
    assert b"This door is closed" in english.body
    assert b'<html lang="es">' in spanish.body
    assert b'href="http://127.0.0.1:8080/class"' in english.body


def test_another_seats_cookie_opens_nothing(lesson: Class) -> None:
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


def test_a_cookie_planted_beside_the_right_one_does_no_harm(lesson: Class) -> None:
    async def use(browser: Browser) -> Answer:
        return await browser.get("/", Cookie=f"vivero_door=planted; x=ñ; {browser.cookie}")

    assert at(lesson, use).status == 200


def test_each_door_of_a_seat_has_an_origin_of_its_own(lesson: Class) -> None:
    labels = {urlsplit(lesson.address(name, door)).hostname for name in ("María", "Noor") for door in ("page", "admin")}
    assert len(labels) == 4


def test_a_ticket_opens_once_and_only_its_own_door(site: Site, lesson: Class) -> None:
    async def scenario() -> list[int]:
        async with serving(site) as server:
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


def test_a_ticket_that_is_too_old_opens_nothing(site: Site, lesson: Class) -> None:
    async def scenario() -> int:
        async with serving(site) as server:
            address = lesson.address("María")
            site.clock.forward(seconds=31)  # type: ignore[attr-defined]
            return (await Browser(server).enter(address)).status

    assert asyncio.run(scenario()) == 403


def test_a_doors_ticket_opens_no_console(site: Site, lesson: Class) -> None:
    ticket = parse_qs(urlsplit(lesson.address("María")).query)["ticket"][0]
    cookies = {"Cookie": f"other=María; vivero_seat={KEYS['María']}"}

    async def scenario() -> None:
        async with serving(site) as server:
            with pytest.raises(InvalidStatus, match="403"):
                await server.console(ticket, "", origin=site.settings.base_url, additional_headers=cookies)

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
    lesson: Class, change: Callable[[LabSession, Seat], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_access, "FRESH_S", 0.0)

    async def use(browser: Browser) -> int:
        assert (await browser.get("/")).status == 200
        lesson.change("María", change)
        return (await browser.get("/")).status

    assert at(lesson, use) == 403


@CHANGES
def test_open_websockets_and_downloads_end_with_it(
    lesson: Class, change: Callable[[LabSession, Seat], None], monkeypatch: pytest.MonkeyPatch
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


def test_a_locked_class_opens_no_door_to_a_student_but_to_the_teacher(site: Site, lesson: Class) -> None:
    address = lesson.address("María")
    lesson.change("María", lock)

    async def scenario() -> tuple[int, int]:
        async with serving(site) as server:
            browser = Browser(server)
            return (await browser.enter(address)).status, (await browser.enter(lesson.address_of_tom())).status

    assert asyncio.run(scenario()) == (403, 303)


def test_a_teachers_door_closes_when_they_log_out(lesson: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_access, "FRESH_S", 0.0)

    async def use(browser: Browser) -> tuple[int, int]:
        await browser.enter(lesson.address_of_tom())
        before = await browser.get("/")
        with lesson.site.write_sessions.begin() as db:
            login_sessions.end(db, lesson.login_key)
        return before.status, (await browser.get("/")).status

    assert at(lesson, use) == (200, 403)


def test_messages_of_both_kinds_go_both_ways(lesson: Class) -> None:
    async def use(browser: Browser) -> None:
        async with browser.socket(subprotocols=["mqtt", "chat"]) as socket:
            assert socket.subprotocol == "chat"
            for message in ("ñandú", b"\x00\xff", "x" * 500_000, ""):
                await socket.send(message)
                assert await socket.recv() == message
            await asyncio.wait_for(await socket.ping(), 5)
            await socket.send("headers")
            heard = dict(json.loads(await socket.recv()))
            assert (heard["host"], heard["origin"]) == (browser.host, f"http://{browser.host}")
            assert "cookie" not in heard

    at(lesson, use)


def test_the_machine_closes_with_its_own_words(lesson: Class) -> None:
    async def use(browser: Browser) -> tuple[int, str]:
        async with browser.socket() as socket:
            await socket.send("close")
            with pytest.raises(ConnectionClosed) as refused:
                await socket.recv()
        assert refused.value.rcvd is not None
        return refused.value.rcvd.code, refused.value.rcvd.reason

    assert at(lesson, use) == (4321, "as you wish")


def test_too_long_a_message_ends_the_connection_and_nothing_else(lesson: Class) -> None:
    async def chatter(websocket: Any) -> None:
        await websocket.send("x" * ((1 << 20) + 1))
        await websocket.wait_closed()

    async def scenario() -> int:
        async with websockets.serve(chatter, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with at_door(lesson, port=port) as browser, browser.socket() as socket:
                with pytest.raises(ConnectionClosed) as refused:
                    await socket.recv()
                assert refused.value.rcvd is not None
                return refused.value.rcvd.code

    assert asyncio.run(scenario()) == 1009


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://seat-0123456789abcdef01234567.localhost"])
def test_other_pages_open_no_websocket_here(lesson: Class, origin: str) -> None:
    async def use(browser: Browser) -> None:
        with pytest.raises(InvalidStatus, match="403"):
            await browser.socket(origin=origin)

    at(lesson, use)


def test_a_websocket_that_the_machine_refuses_is_refused(lesson: Class) -> None:
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
def test_names_that_no_door_has_are_not_found_and_never_the_portals(lesson: Class, host: str) -> None:
    async def use(browser: Browser) -> Answer:
        return await browser.get("/vms", Host=host)

    answer = at(lesson, use)
    assert answer.status == 404
    assert b"GET" not in answer.body  # what the portal's own page says here


@pytest.mark.parametrize("path", ["/../vms", "/live/console", "/static/vivero.css", "//vms", "/%2e%2e/live/console"])
def test_no_path_of_a_door_leads_to_the_portal(lesson: Class, path: str) -> None:
    async def use(browser: Browser) -> Answer:
        return await browser.get(path)

    assert at(lesson, use).told["path"] == path


@pytest.mark.parametrize("path", ["/.vivero/", "/.vivero/x", "/%2evivero/enter2"])
def test_our_own_paths_at_a_door_never_reach_the_machine(lesson: Class, path: str) -> None:
    async def use(browser: Browser) -> Answer:
        return await browser.get(path)

    assert at(lesson, use).status == 404


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost.", "vivero.example", "xlocalhost"])
def test_the_portals_own_names_never_lead_to_a_door(lesson: Class, host: str) -> None:
    async def use(browser: Browser) -> Answer:
        return await browser.get("/vms", Host=host)

    assert at(lesson, use).body == b"GET 0"


@pytest.mark.parametrize("line", [b"GET http://127.0.0.1/vms HTTP/1.1", b"OPTIONS * HTTP/1.1"])
def test_addresses_that_are_no_paths_are_refused(lesson: Class, line: bytes) -> None:
    async def use(browser: Browser) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", browser.server.port)
        head = f"Host: {browser.host}\r\nCookie: {browser.cookie}\r\nConnection: close\r\n\r\n"
        writer.write(line + b"\r\n" + head.encode())
        said = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return said

    assert b" 400 " in at(lesson, use)


async def read_head(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def close_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_head(reader)


async def speak_garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_head(reader)
    writer.write(b"\x00\x01 SSH-2.0 hello\r\n\r\n")
    await writer.drain()


async def endless_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: " + b"x" * 8000 + b"\r\n")
        await writer.drain()


async def odd_status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_head(reader)
    writer.write(b"HTTP/1.1 777 Odd\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def two_lengths(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
    await writer.drain()


async def switch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_head(reader)
    writer.write(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize("behave", [close_early, speak_garbage, endless_head, odd_status, two_lengths, switch])
def test_a_machine_that_does_not_speak_http_is_excused_in_words(lesson: Class, behave: Behaviour) -> None:
    async def use(browser: Browser) -> Answer:
        posted = await browser.get("/", method="POST", body=b"x")
        assert posted.status == 502
        with pytest.raises(InvalidStatus, match="403"):
            await browser.socket()
        return await browser.get("/", Accept_Language="en")

    answer = behind(lesson, behave, use)
    assert answer.status == 502
    assert b"could not be understood" in answer.body


def test_a_machine_that_says_nothing_is_given_up(lesson: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_http, "FIRST_BYTE_S", 0.1)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        await reader.read()

    async def use(browser: Browser) -> int:
        return (await browser.get("/")).status

    assert behind(lesson, wait, use) == 504


def test_an_answer_that_breaks_off_is_broken_off(lesson: Class) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
        await writer.drain()

    async def use(browser: Browser) -> None:
        with pytest.raises(http.client.IncompleteRead):
            await browser.get("/")

    behind(lesson, behave, use)


def test_an_answer_before_the_whole_request_came_is_passed_on(lesson: Class) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 403 No\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()

    async def use(browser: Browser) -> tuple[int, bytes]:
        answer = await browser.get("/", method="POST", body=b"x")
        return answer.status, answer.body

    assert behind(lesson, behave, use) == (403, b"no")


def test_a_kept_connection_that_the_machine_closed_costs_nothing(lesson: Class) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()

    async def use(browser: Browser) -> list[int]:
        return [(await browser.get("/")).status for _ in range(3)]

    assert behind(lesson, once, use) == [200, 200, 200]


@pytest.mark.parametrize("trouble", ["closed", "unreachable"])
def test_where_nothing_answers_it_is_said_so(lesson: Class, trouble: str) -> None:
    async def use(browser: Browser) -> Answer:
        browser.server.doors.closed.add(SOCKET if trouble == "closed" else "")
        browser.server.doors.unreachable.add("hv1" if trouble == "unreachable" else "")
        with pytest.raises(InvalidStatus, match="403"):
            await browser.socket()
        return await browser.get("/", Accept_Language="en")

    answer = at(lesson, use)
    assert answer.status == 502
    assert b"Nothing answers behind this door" in answer.body


def test_a_seat_has_so_many_connections_and_no_more(lesson: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_lines, "MOST_OF_A_SEAT", 1)
    monkeypatch.setattr(door_lines, "PLACE_WITHIN_S", 0.05)

    async def use(browser: Browser) -> list[int]:
        async with browser.socket():
            crowded = await browser.get("/")
            noor = Browser(browser.server)
            await noor.enter(lesson.address("Noor"))
            of_another = await noor.get("/")
        return [crowded.status, of_another.status]

    assert at(lesson, use) == [503, 200]


def test_a_browser_that_leaves_lets_the_machine_go(lesson: Class) -> None:
    async def scenario() -> None:
        left = asyncio.Event()

        async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await reader.read()
            left.set()

        async with raw_guest(stream) as port, at_door(lesson, port=port) as browser:
            reader, writer = await asyncio.open_connection("127.0.0.1", browser.server.port)
            writer.write(f"GET / HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            writer.close()
            await asyncio.wait_for(left.wait(), 5)

    asyncio.run(scenario())


def test_the_simulators_doors_show_a_small_page(site: Site, lesson: Class) -> None:
    async def scenario() -> Answer:
        async with serving(site) as server:
            browser = Browser(server)
            await browser.enter(lesson.address("María"))
            assert (await browser.get("/", method="POST", body=b"x" * 100_000)).status == 200
            return await browser.get("/<b>")

    answer = asyncio.run(scenario())
    assert answer.status == 200
    assert b"server-80" in answer.body
    assert b"<b>" not in answer.body
