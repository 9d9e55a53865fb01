"""Consoles that are open and used: screens that are followed as noVNC does, serial lines on which somebody types."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from portal.bench.browsers import Browser
from portal.core.rfb import VERSION

KEY_EVERY_S = 0.5
ALL = struct.pack(">BBHHHH", 3, 0, 0, 0, 320, 200)
CHANGES = struct.pack(">BBHHHH", 3, 1, 0, 0, 320, 200)
KEY_DOWN, KEY_UP = (struct.pack(">BBxxI", 4, down, 0x61) for down in (1, 0))
SERVER_HEAD, RECTANGLE_HEAD = 4, 12


@dataclass(frozen=True)
class Consoles:
    """Every second student looks at the screen, the others at the serial line. `students` are their keys."""

    port: int
    origin: str
    machine: str
    students: Sequence[str]


@dataclass
class Heard:
    """What came by all consoles."""

    opened: int = 0
    refused: int = 0
    broken: int = 0
    bytes: int = 0
    echo_ms: list[float] = field(default_factory=list)

    def forget(self) -> None:
        self.bytes = 0
        self.echo_ms.clear()


def sit_at_consoles(wanted: Consoles, *, ramp_s: float, settle_s: float, seconds: float) -> dict[str, Any]:
    heard = Heard()
    asyncio.run(all_consoles(wanted, heard, ramp_s=ramp_s, settle_s=settle_s, seconds=seconds))
    return {**vars(heard), "kib_s": heard.bytes / 1024 / seconds}


async def all_consoles(wanted: Consoles, heard: Heard, *, ramp_s: float, settle_s: float, seconds: float) -> None:
    over = asyncio.Event()
    until = time.monotonic() + ramp_s + settle_s + seconds
    async with asyncio.TaskGroup() as group:
        for number, key in enumerate(wanted.students):
            kind = "graphical" if number % 2 else "serial"
            group.create_task(one_console(wanted, key, kind, heard, over, ramp_s * number / len(wanted.students)))
        await asyncio.sleep(ramp_s + settle_s)
        heard.forget()
        await asyncio.sleep(max(0.0, until - time.monotonic()))
        over.set()


async def one_console(wanted: Consoles, key: str, kind: str, heard: Heard, over: asyncio.Event, begin_s: float) -> None:
    await asyncio.sleep(begin_s)
    ticket = await asyncio.to_thread(ticket_for, wanted, key, kind)
    if ticket is None:
        heard.refused += 1
        return
    try:
        async with opened(wanted, key, ticket) as socket:
            heard.opened += 1
            work = screen if kind == "graphical" else serial
            working = asyncio.create_task(work(socket, heard))
            await asyncio.wait([working, asyncio.create_task(over.wait())], return_when=asyncio.FIRST_COMPLETED)
            heard.broken += working.done() and working.exception() is not None
            working.cancel()
    except (ConnectionClosed, OSError):
        heard.broken += 1


def ticket_for(wanted: Consoles, key: str, kind: str) -> str | None:
    """As the page's script gets it."""
    browser = Browser(wanted.port, {"vivero_seat": key})
    browser.get("page", "/class")
    answer = browser.post("ticket", "/class/console-ticket", {"machine": wanted.machine, "kind": kind})
    browser.close()
    return str(json.loads(answer.text)["ticket"]) if answer.status == 200 else None


@asynccontextmanager
async def opened(wanted: Consoles, key: str, ticket: str) -> AsyncIterator[ClientConnection]:
    async with connect(
        f"ws://127.0.0.1:{wanted.port}/live/console",
        origin=Origin(wanted.origin),
        subprotocols=[Subprotocol("binary"), Subprotocol(f"vivero.ticket.{ticket}")],
        additional_headers={"Cookie": f"vivero_seat={key}"},
        compression=None,
        max_size=None,
    ) as socket:
        yield socket


async def serial(socket: ClientConnection, heard: Heard) -> None:
    """One key after the other; each must come back. First the machine says who it is."""
    await socket.recv()
    while True:
        await asyncio.sleep(KEY_EVERY_S)
        began = time.perf_counter()
        await socket.send(b"\r" if int(began) % 10 == 0 else b"a")
        data = await socket.recv()
        heard.bytes += len(data)
        heard.echo_ms.append((time.perf_counter() - began) * 1000)


async def screen(socket: ClientConnection, heard: Heard) -> None:
    """Asks for the next change as soon as one has come, and presses a key now and then."""
    await socket.recv()
    for greeting in (VERSION, b"\x01", b"\x01"):
        await socket.send(greeting)
    await asyncio.sleep(1.0)
    await socket.send(ALL)
    came, key_at = bytearray(), time.monotonic()
    greeted = False
    while True:
        data = await socket.recv()
        heard.bytes += len(data)
        came += data if isinstance(data, bytes) else b""
        if not greeted:
            greeted = forget_greeting(came)
        while greeted and (length := length_of_update(came)) is not None:
            del came[:length]
            await socket.send(CHANGES)
        if time.monotonic() > key_at:
            key_at = time.monotonic() + KEY_EVERY_S
            await socket.send(KEY_DOWN + KEY_UP)


def forget_greeting(came: bytearray) -> bool:
    """The security types, their answer and the screen's shape stand before the first update."""
    head = 2 + 4 + 20
    if len(came) < head + 4:
        return False
    (name,) = struct.unpack_from(">I", came, head)
    if len(came) < head + 4 + name:
        return False
    del came[: head + 4 + name]
    return True


def length_of_update(came: bytearray) -> int | None:
    """Of the first whole update in raw encoding; None while a part is missing."""
    if len(came) < SERVER_HEAD:
        return None
    (count,) = struct.unpack_from(">xxH", came)
    at = SERVER_HEAD
    for _ in range(count):
        if len(came) < at + RECTANGLE_HEAD:
            return None
        _x, _y, width, height, _encoding = struct.unpack_from(">HHHHi", came, at)
        at += RECTANGLE_HEAD + width * height * 4
    return at if len(came) >= at else None
