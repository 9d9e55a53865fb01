"""A browser at a door of the real server, with a guest of the test's behind it."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import websockets

from tests.live.conftest import Running, serving
from tests.live.door_classes import SOCKET, DoorClass
from tests.live.guests import Behaviour, guest, raw_guest


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
async def at_door(lesson: DoorClass, name: str = "María", *, port: int | None = None) -> AsyncIterator[Browser]:
    """A browser that has entered; behind the door stands `port`, or the application of guests.py."""
    async with serving(lesson.site) as server, guest() as ordinary:
        server.doors.lead(SOCKET, port or ordinary)
        browser = Browser(server)
        await browser.enter(lesson.address(name))
        yield browser


def at(lesson: DoorClass, use: Callable[[Browser], Awaitable[Any]]) -> Any:
    async def scenario() -> Any:
        async with at_door(lesson) as browser:
            return await use(browser)

    return asyncio.run(scenario())


def behind(lesson: DoorClass, behave: Behaviour, use: Callable[[Browser], Awaitable[Any]]) -> Any:
    """The same with a guest that misbehaves."""

    async def scenario() -> Any:
        async with raw_guest(behave) as port, at_door(lesson, port=port) as browser:
            return await use(browser)

    return asyncio.run(scenario())
