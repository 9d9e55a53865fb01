"""A shared line waits for the slowest, but not for ever."""

from __future__ import annotations

import asyncio

import pytest

from portal.core.errors import OutsideUnavailable
from portal.live import lines
from portal.live.lines import SharedLine


class Saying:
    """A machine that says what the test puts in."""

    def __init__(self) -> None:
        self.says: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.closed = False

    async def read(self, most: int = 65536) -> bytes:
        said = await self.says.get()
        if said is None:
            raise OutsideUnavailable("The connection to the console broke.")
        return said

    async def write(self, data: bytes) -> None:
        await self.says.put(data)

    async def close(self) -> None:
        self.closed = True
        self.says.put_nowait(b"")


def test_one_that_does_not_read_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_WAITING_BYTES", 4)
    monkeypatch.setattr(lines, "PATIENCE_S", 0.01)

    async def scenario() -> None:
        machine = Saying()
        line = SharedLine(machine)
        slow, quick = line.listen(), line.listen()
        for said in (b"one", b"two", b"three", b"four"):
            await machine.write(said)
            assert await quick.read() == said
        assert await slow.read() == b"onetwo"
        with pytest.raises(OutsideUnavailable):
            await slow.read()
        await slow.close()
        await quick.close()
        assert machine.closed

    asyncio.run(scenario())


def test_a_line_that_breaks_says_so_to_everybody() -> None:
    async def scenario() -> None:
        machine = Saying()
        line = SharedLine(machine)
        listeners = [line.listen(), line.listen()]
        machine.says.put_nowait(None)
        for listener in listeners:
            with pytest.raises(OutsideUnavailable):
                await listener.read()
        assert line.over

    asyncio.run(scenario())


def test_only_the_end_of_what_was_said_is_kept_for_who_comes_later() -> None:
    async def scenario() -> None:
        machine = Saying()
        line = SharedLine(machine)
        first = line.listen()
        await machine.write(b"a" * lines.KEPT_BYTES)
        await first.read()
        await machine.write(b"end")
        await first.read()
        later = await line.listen().read()
        assert (len(later), later[-3:]) == (lines.KEPT_BYTES, b"end")
        await first.close()

    asyncio.run(scenario())
