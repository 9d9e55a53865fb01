"""Connections to machines behind doors: opened when needed, kept a moment for the next request of the same person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from weakref import WeakValueDictionary

import h11

from portal.core.errors import MachineMissing, OutsideUnavailable
from portal.interfaces import ConsoleStream, DoorStreams
from portal.live.door_pages import CROWDED, GARBLED, SILENT, Notice
from portal.services.doors import DoorPass, Way

LONGEST_HEAD = 64 * 1024
OPEN_WITHIN_S = 5.0
PLACE_WITHIN_S = 10.0
MOST_OF_A_SEAT = 12
MOST_KEPT = 6  # for one pass
KEPT_FOR_S = 5.0


class DoorTrouble(Exception):
    """The machine, or the way there, did not do what was asked; `notice` says so to the browser."""

    def __init__(self, notice: Notice) -> None:
        super().__init__(notice.title)
        self.notice = notice


class Line:
    """One connection to a machine, speaking HTTP as a client. Raises DoorTrouble for whatever goes wrong there."""

    def __init__(self, stream: ConsoleStream) -> None:
        self.stream = stream
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self.is_used = False
        self.was_heard = False  # since the last request

    async def say(self, event: h11.Event) -> None:
        try:
            data = self.http.send(event)
            if data:
                await self.stream.write(data)
        except (h11.LocalProtocolError, OutsideUnavailable) as error:
            raise DoorTrouble(GARBLED) from error

    async def hear(self) -> object:
        """The next of h11's events."""
        try:
            while (event := self.http.next_event()) is h11.NEED_DATA:
                data = await self.stream.read()
                self.was_heard = self.was_heard or bool(data)
                self.http.receive_data(data)
        except (h11.RemoteProtocolError, OutsideUnavailable) as error:
            raise DoorTrouble(GARBLED) from error
        return event

    def begin_again(self) -> bool:
        """Ready for another request; False if this connection is spent."""
        if self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE or self.http.trailing_data[0]:
            return False
        self.http.start_next_cycle()
        self.is_used, self.was_heard = True, False
        return True


class Lines:
    """At most so many at once for a seat; who comes then waits a little."""

    def __init__(self, streams: DoorStreams) -> None:
        self._streams = streams
        self._kept: dict[DoorPass, list[Line]] = {}
        self._places: WeakValueDictionary[object, asyncio.Semaphore] = WeakValueDictionary()
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def place(self, way: Way) -> AsyncIterator[None]:
        places = self._places.get(way.seat_id) or asyncio.Semaphore(MOST_OF_A_SEAT)
        self._places[way.seat_id] = places
        try:
            await asyncio.wait_for(places.acquire(), PLACE_WITHIN_S)
        except TimeoutError as error:
            raise DoorTrouble(CROWDED) from error
        try:
            yield
        finally:
            places.release()

    async def open(self, way: Way) -> ConsoleStream:
        try:
            return await asyncio.wait_for(self._streams.open(way.host, way.seat_id, way.socket), OPEN_WITHIN_S)
        except (MachineMissing, OutsideUnavailable, TimeoutError) as error:
            raise DoorTrouble(SILENT) from error

    async def line(self, who: DoorPass, way: Way, *, fresh: bool) -> Line:
        """`fresh` for what must not be sent twice: a kept connection may have been closed by the machine meanwhile."""
        kept = self._kept.get(who, [])
        return kept.pop() if kept and not fresh else Line(await self.open(way))

    async def give_back(self, who: DoorPass, line: Line) -> None:
        kept = self._kept.setdefault(who, [])
        if len(kept) >= MOST_KEPT or not line.begin_again():
            await self.drop(who, line)
            return
        kept.append(line)
        asyncio.get_running_loop().call_later(KEPT_FOR_S, self._let_go, who, line)

    async def drop(self, who: DoorPass, line: Line) -> None:
        if not self._kept.get(who, [line]):
            del self._kept[who]
        await line.stream.close()

    def _let_go(self, who: DoorPass, line: Line) -> None:
        with suppress(KeyError, ValueError):
            self._kept[who].remove(line)
            closing = asyncio.ensure_future(self.drop(who, line))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        for lines in self._kept.values():
            for line in lines:
                await line.stream.close()
        self._kept.clear()
        await self._streams.close()
