"""A serial line that several may watch: one stream to the machine, and what it says goes to everybody."""

from __future__ import annotations

import asyncio

from portal.core.errors import N_, OutsideUnavailable
from portal.interfaces import ConsoleStream

KEPT_BYTES = 8192  # of what was said last, for whoever comes later
MOST_WAITING_BYTES = 256 * 1024
PATIENCE_S = 5.0  # so long everybody waits for one whose browser does not read, then without them


class SharedLine:
    """Open while anybody listens. The machine waits for the slowest listener, but not for ever."""

    def __init__(self, stream: ConsoleStream) -> None:
        self._stream = stream
        self._listeners: list[Listener] = []
        self._recent = b""
        self.over = False
        self.reading = asyncio.create_task(self._read())

    def listen(self) -> Listener:
        listener = Listener(self, self._recent)
        self._listeners.append(listener)
        return listener

    async def write(self, data: bytes) -> None:
        await self._stream.write(data)

    async def leave(self, listener: Listener) -> None:
        """Who leaves last closes the line."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners:
            self.over = True
            await self._stream.close()
            await asyncio.wait([self.reading])

    async def _read(self) -> None:
        broken = False
        try:
            while data := await self._stream.read():
                self._recent = (self._recent + data)[-KEPT_BYTES:]
                for listener in tuple(self._listeners):
                    await listener.hear(data)
        except OutsideUnavailable:
            broken = True
        finally:
            self.over = True
            for listener in self._listeners:
                await listener.end(broken=broken)
            await self._stream.close()


class Listener:
    """One browser's side of the line, as a ConsoleStream."""

    def __init__(self, line: SharedLine, before: bytes) -> None:
        self._line = line
        self._heard = bytearray(before)
        self._moved = asyncio.Condition()
        self._over = self._broken = False

    async def read(self, most: int = 65536) -> bytes:
        async with self._moved:
            await self._moved.wait_for(lambda: self._heard or self._over)
            data = bytes(self._heard[:most])
            del self._heard[:most]
            self._moved.notify_all()
        if not data and self._broken:
            raise OutsideUnavailable(N_("The connection to the console broke."))
        return data

    async def write(self, data: bytes) -> None:
        await self._line.write(data)

    async def close(self) -> None:
        await self.end(broken=False)
        await self._line.leave(self)

    async def hear(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S), self._moved:
                await self._moved.wait_for(lambda: len(self._heard) < MOST_WAITING_BYTES or self._over)
                self._heard += b"" if self._over else data
                self._moved.notify_all()
        except TimeoutError:
            await self.end(broken=True)

    async def end(self, *, broken: bool) -> None:
        async with self._moved:
            self._over = True
            self._broken = self._broken or broken
            self._moved.notify_all()
