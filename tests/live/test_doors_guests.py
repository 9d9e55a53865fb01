"""Machines that are slow, silent or talk nonsense behind a door: said in words, and nothing is left open."""

from __future__ import annotations

import asyncio
import http.client

import pytest
from websockets.exceptions import InvalidStatus

from portal.core.lifecycle import LabSessionState
from portal.live import door_access, door_http, door_lines
from tests.live.door_classes import SOCKET, DoorClass
from tests.live.doorways import Answer, Browser, at, at_door, behind
from tests.live.guests import Behaviour, raw_guest


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
def test_a_machine_that_does_not_speak_http_is_excused_in_words(lesson: DoorClass, behave: Behaviour) -> None:
    async def use(browser: Browser) -> Answer:
        posted = await browser.get("/", method="POST", body=b"x")
        assert posted.status == 502
        with pytest.raises(InvalidStatus, match="403"):
            await browser.socket()
        return await browser.get("/", Accept_Language="en")

    answer = behind(lesson, behave, use)
    assert answer.status == 502
    assert b"could not be understood" in answer.body


def test_a_machine_that_says_nothing_is_given_up(lesson: DoorClass, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_http, "FIRST_BYTE_S", 0.1)

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        await reader.read()

    async def use(browser: Browser) -> int:
        return (await browser.get("/")).status

    assert behind(lesson, wait, use) == 504


def test_an_answer_that_breaks_off_is_broken_off(lesson: DoorClass) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
        await writer.drain()

    async def use(browser: Browser) -> None:
        with pytest.raises(http.client.IncompleteRead):
            await browser.get("/")

    behind(lesson, behave, use)


def test_an_answer_before_the_whole_request_came_is_passed_on(lesson: DoorClass) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 403 No\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()

    async def use(browser: Browser) -> tuple[int, bytes]:
        answer = await browser.get("/", method="POST", body=b"x")
        return answer.status, answer.body

    assert behind(lesson, behave, use) == (403, b"no")


def test_a_kept_connection_that_the_machine_closed_costs_nothing(lesson: DoorClass) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()

    async def use(browser: Browser) -> list[int]:
        return [(await browser.get("/")).status for _ in range(3)]

    assert behind(lesson, once, use) == [200, 200, 200]


@pytest.mark.parametrize("trouble", ["closed", "unreachable"])
def test_where_nothing_answers_it_is_said_so(lesson: DoorClass, trouble: str) -> None:
    async def use(browser: Browser) -> Answer:
        browser.server.doors.closed.add(SOCKET if trouble == "closed" else "")
        browser.server.doors.unreachable.add("hv1" if trouble == "unreachable" else "")
        with pytest.raises(InvalidStatus, match="403"):
            await browser.socket()
        return await browser.get("/", Accept_Language="en")

    answer = at(lesson, use)
    assert answer.status == 502
    assert b"Nothing answers behind this door" in answer.body


def test_a_seat_has_so_many_connections_and_no_more(lesson: DoorClass, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_browser_that_leaves_lets_the_machine_go(lesson: DoorClass) -> None:
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


def test_a_download_ends_with_the_class(lesson: DoorClass, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_access, "FRESH_S", 0.1)

    async def scenario() -> None:
        left = asyncio.Event()

        async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_head(reader)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nbegun")
            await reader.read()
            left.set()

        async with raw_guest(stream) as port, at_door(lesson, port=port) as browser:
            reader, writer = await asyncio.open_connection("127.0.0.1", browser.server.port)
            writer.write(f"GET / HTTP/1.1\r\nHost: {browser.host}\r\nCookie: {browser.cookie}\r\n\r\n".encode())
            await reader.readuntil(b"begun")
            lesson.change("María", lambda lab_session, seat: lab_session.move_to(LabSessionState.ENDED))
            assert b"0\r\n\r\n" not in await asyncio.wait_for(reader.read(), 5)  # broken off, not ended
            writer.close()
            await asyncio.wait_for(left.wait(), 5)

    asyncio.run(scenario())
