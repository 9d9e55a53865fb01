"""Consoles in the browser: a WebSocket on one side, a machine's own socket on the other, bytes both ways."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from portal.core.errors import MachineMissing, OutsideUnavailable
from portal.core.rfb import ClientMessages, RfbTrouble
from portal.interfaces import ConsoleKind, Consoles, ConsoleStream
from portal.live.admission import PROTOCOL, NoTicket, admit, showing_of
from portal.live.asgi_types import Receive, Scope, Send
from portal.live.desk import Desk, Full
from portal.live.endings import (
    ENDINGS,
    FULL,
    LEFT,
    NOT_RFB,
    SERVER_STOPS,
    STOPPED,
    TAKEN_OVER,
    TOO_BIG,
    UNREACHABLE,
    Ending,
)
from portal.live.lines import SharedLine
from portal.services import consoles, seat_consoles
from portal.services.consoles import Entry

LONGEST_FRAME = 1 << 20
OPEN_WITHIN_S = 15.0
TOUCH_EVERY_S = 60.0

log = structlog.get_logger(__name__)


@dataclass
class Console:
    """One open console. Whatever ends it first is written to `ending`."""

    entry: Entry
    stream: ConsoleStream
    ending: asyncio.Future[Ending]
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    touched: bool = False

    def end(self, ending: Ending) -> None:
        if not self.ending.done():
            self.ending.set_result(ending)


class ConsoleDoor:
    """Lets browsers into consoles. A serial line has one listener: who comes later takes it over.

    Not so at seats: there the teacher comes to the student, and neither throws the other out.
    """

    def __init__(self, desk: Desk, backend: Consoles) -> None:
        self.desk = desk
        self.backend = backend
        self._serial: dict[UUID, Console] = {}
        self._lines: dict[UUID, SharedLine] = {}
        self._dialling: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The WebSocket /live/console. Before the ticket is burnt nothing is accepted, and nothing explained."""
        await receive()  # websocket.connect
        site = self.desk.site
        try:
            shown = showing_of(scope, site.settings)
            entry = await self.desk.off_loop(lambda: admit(site, shown))
        except NoTicket:
            await send({"type": "websocket.close", "code": 4403})  # before accept: HTTP 403
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        ending = await self.sit(entry, receive, send) if isinstance(entry, Entry) else entry
        if ending != LEFT:
            await send({"type": "websocket.close", "code": ending.code, "reason": ending.reason})

    async def sit(self, entry: Entry, receive: Receive, send: Send) -> Ending:
        """From the opening, which is in the audit log already, to the closing, which is written here."""
        opened_at = self.desk.site.clock()
        ending = UNREACHABLE
        try:
            with self.desk.counted(entry.sitting.login_session_hash):
                try:
                    ending = await self.talk(entry, receive, send)
                finally:
                    await asyncio.shield(self.desk.off_loop(lambda: self.note_closed(entry, opened_at, ending)))
            return ending
        except Full:
            await self.desk.off_loop(lambda: self.note_closed(entry, opened_at, FULL))
            return FULL

    async def talk(self, entry: Entry, receive: Receive, send: Send) -> Ending:
        try:
            return await self.keep(await self.connect(entry), receive, send)
        except MachineMissing:
            return STOPPED
        except (OutsideUnavailable, TimeoutError) as trouble:
            log.warning("console not reached", vm_id=str(entry.vm_id), host=entry.host.name, trouble=str(trouble))
            return UNREACHABLE

    def note_closed(self, entry: Entry, opened_at: datetime, ending: Ending) -> None:
        if entry.actor is None:
            return
        site = self.desk.site
        with site.write_sessions.begin() as db:
            seat_consoles.note_closed(db, entry, opened_at=opened_at, why=ending.reason, now=site.clock())

    async def connect(self, entry: Entry) -> Console:
        if entry.kind == ConsoleKind.GRAPHICAL:
            return await self.dial(entry)
        async with self._dialling.setdefault(entry.vm_id, asyncio.Lock()):
            if entry.sitting.seat_machine_id is not None:
                return console_of(entry, (await self.line_of(entry)).listen())
            other = self._serial.get(entry.vm_id)
            if other is not None:
                other.end(TAKEN_OVER)
                await other.closed.wait()
            console = await self.dial(entry)
            self._serial[entry.vm_id] = console
            return console

    async def dial(self, entry: Entry) -> Console:
        return console_of(entry, await self.stream_of(entry))

    async def stream_of(self, entry: Entry) -> ConsoleStream:
        return await asyncio.wait_for(self.backend.open(entry.host, entry.vm_id, entry.kind), OPEN_WITHIN_S)

    async def line_of(self, entry: Entry) -> SharedLine:
        """The line that is open, or a new one; the machine takes a new one only after the old one is closed."""
        line = self._lines.get(entry.vm_id)
        if line is not None and line.over:
            await asyncio.wait([line.reading])
        if line is None or line.over:
            line = self._lines[entry.vm_id] = SharedLine(await self.stream_of(entry))
            line.reading.add_done_callback(lambda _: self.forget_line(entry.vm_id, line))
        return line

    def forget_line(self, vm_id: UUID, line: SharedLine) -> None:
        if self._lines.get(vm_id) is line:
            del self._lines[vm_id]

    async def keep(self, console: Console, receive: Receive, send: Send) -> Ending:
        """Bytes both ways until one of the sides, the log-in, the permission or the server ends."""
        work = (
            to_browser(console, send),
            to_machine(console, receive),
            self.watch_access(console),
            self.watch_closing(console),
            self.touch_login(console),
        )
        tasks = [asyncio.create_task(part) for part in work]
        try:
            waiting: list[asyncio.Future[Any]] = [console.ending, *tasks]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await console.stream.close()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            if self._serial.get(console.entry.vm_id) is console:
                del self._serial[console.entry.vm_id]
            console.closed.set()
        for result in results:
            if isinstance(result, Exception):
                raise result
        return console.ending.result()

    async def watch_access(self, console: Console) -> None:
        with self.desk.access.watching(console.entry.sitting) as watch:
            while (refusal := await watch.change()) is None:
                pass
        console.end(ENDINGS[refusal])

    async def watch_closing(self, console: Console) -> None:
        await self.desk.closing.wait()
        console.end(SERVER_STOPS)

    async def touch_login(self, console: Console) -> None:
        """Who types here is not idle, even if no page is loaded."""
        site = self.desk.site

        def touch() -> None:
            with site.write_sessions.begin() as db:
                consoles.touch(db, console.entry.sitting, site.clock())

        while True:
            await asyncio.sleep(TOUCH_EVERY_S)
            if console.touched:
                console.touched = False
                await self.desk.off_loop(touch)


def console_of(entry: Entry, stream: ConsoleStream) -> Console:
    return Console(entry, stream, asyncio.get_running_loop().create_future())


async def to_browser(console: Console, send: Send) -> None:
    """`send` returns when there is room again, and until then nothing more is read: that is the back-pressure."""
    try:
        while data := await console.stream.read():
            await send({"type": "websocket.send", "bytes": data})
        console.end(STOPPED)
    except OutsideUnavailable:
        console.end(UNREACHABLE)
    except OSError:  # the browser went away while we sent
        console.end(LEFT)


async def to_machine(console: Console, receive: Receive) -> None:
    messages = ClientMessages(view_only=console.entry.view_only)
    try:
        while (event := await receive())["type"] == "websocket.receive":
            data = event.get("bytes") or (event.get("text") or "").encode()
            if len(data) > LONGEST_FRAME:
                console.end(TOO_BIG)
                return
            await console.stream.write(passed_on(console, messages, data))
        console.end(LEFT)
    except RfbTrouble:
        console.end(NOT_RFB)
    except OutsideUnavailable:
        console.end(UNREACHABLE)


def passed_on(console: Console, messages: ClientMessages, data: bytes) -> bytes:
    """What of the browser's bytes goes on to the machine."""
    if console.entry.kind == ConsoleKind.SERIAL:
        console.touched = True
        return b"" if console.entry.view_only else data
    through = messages.feed(data)
    console.touched = console.touched or through.touched
    return through.data
