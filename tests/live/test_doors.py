"""Doors of seats through the real server: pages and WebSockets of a guest on loopback."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any

import pytest
import websockets
from websockets.exceptions import ConnectionClosed

from portal.live import door_http
from tests.live.conftest import serving
from tests.live.door_classes import DoorClass
from tests.live.doorways import Answer, Browser, at, at_door
from tests.live.guests import LARGE


def test_the_ticket_becomes_a_cookie_and_leads_to_the_doors_page(lesson: DoorClass) -> None:
    async def scenario() -> Answer:
        async with serving(lesson.site) as server:
            return await Browser(server).enter(lesson.address("María"))

    answer = asyncio.run(scenario())
    assert answer.status == 303
    assert answer.headers["Location"].endswith(".localhost:8080/start")
    cookie = answer.headers["Set-Cookie"]
    assert all(part in cookie for part in ("vivero_door=", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in cookie
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_page_comes_through_with_the_hosts_own_name(lesson: DoorClass) -> None:
    async def use(browser: Browser) -> None:
        answer = await browser.get("/a%2Fb?x=1&y=%20")
        assert (answer.status, answer.told["path"], answer.told["query"]) == (200, "/a%2Fb", "x=1&y=%20")
        assert answer.heard["host"] == browser.host
        assert answer.heard["x-forwarded-proto"] == "http"
        assert answer.heard["x-forwarded-for"] == "127.0.0.1"
        assert answer.headers["Referrer-Policy"] == "same-origin"

    at(lesson, use)


def test_a_form_is_sent_and_a_redirect_stays_at_the_door(lesson: DoorClass) -> None:
    async def use(browser: Browser) -> None:
        posted = await browser.get("/form", method="POST", body=b"name=Ada", Content_Type="text/plain")
        assert (posted.told["method"], posted.told["body"]) == ("POST", "name=Ada")
        led = await browser.get("/redirect")
        assert (led.status, led.headers["Location"]) == (302, f"http://{browser.host}/next")

    at(lesson, use)


def test_heads_and_answers_without_a_body_end_at_once(lesson: DoorClass) -> None:
    async def use(browser: Browser) -> None:
        assert (await browser.get("/", method="HEAD")).body == b""
        assert (await browser.get("/nothing")).status == 204
        assert (await browser.get("/")).status == 200

    at(lesson, use)


def test_a_large_download_and_a_large_upload_pass(lesson: DoorClass) -> None:
    async def use(browser: Browser) -> None:
        assert len((await browser.get("/large")).body) == LARGE
        assert (await browser.get("/length", method="POST", body=b"x" * (3 << 20))).body == str(3 << 20).encode()

    at(lesson, use)


def test_a_body_in_chunks_arrives_in_chunks(lesson: DoorClass) -> None:
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


def test_too_large_a_body_is_refused_in_words(lesson: DoorClass, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_http, "LARGEST_BODY", 1000)

    async def use(browser: Browser) -> Answer:
        return await browser.get("/length", method="POST", body=b"x" * 1001)

    assert at(lesson, use).status == 413


def test_connections_to_the_machine_are_kept_for_the_next_request(lesson: DoorClass) -> None:
    async def use(browser: Browser) -> None:
        for _ in range(5):
            assert (await browser.get("/")).status == 200
        assert browser.server.doors.opened == 1

    at(lesson, use)


def test_messages_of_both_kinds_go_both_ways(lesson: DoorClass) -> None:
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


def test_the_machine_closes_with_its_own_words(lesson: DoorClass) -> None:
    async def use(browser: Browser) -> tuple[int, str]:
        async with browser.socket() as socket:
            await socket.send("close")
            with pytest.raises(ConnectionClosed) as refused:
                await socket.recv()
        assert refused.value.rcvd is not None
        return refused.value.rcvd.code, refused.value.rcvd.reason

    assert at(lesson, use) == (4321, "as you wish")


def test_too_long_a_message_ends_the_connection_and_nothing_else(lesson: DoorClass) -> None:
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


def test_the_simulators_doors_show_a_small_page(lesson: DoorClass) -> None:
    async def scenario() -> Answer:
        async with serving(lesson.site) as server:
            browser = Browser(server)
            await browser.enter(lesson.address("María"))
            assert (await browser.get("/", method="POST", body=b"x" * 100_000)).status == 200
            return await browser.get("/<b>")

    answer = asyncio.run(scenario())
    assert answer.status == 200
    assert b"server-80" in answer.body
    assert b"<b>" not in answer.body
