"""Consoles without machines, for the simulator and the tests: a serial line that echoes, a screen that moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from portal.backends.hypervisor_fake import FakeHypervisor
from portal.backends.rfb_screen import Screen
from portal.core.errors import N_, HypervisorUnavailable, MachineMissing, OutsideUnavailable
from portal.interfaces import ConsoleKind, HostAddress, Power

BANNER = b"\r\nVivero simulator: this machine is not real, it only repeats what you type.\r\n"
MOST_WAITING = 256
LOOK_EVERY_S = 2.0
Question = Callable[[], bool]


class FakeStream:
    """Both ends in one process. `answer` says what the machine does with what was typed."""

    def __init__(self, runs: Question) -> None:
        self._runs = runs
        self._out: asyncio.Queue[bytes] = asyncio.Queue(MOST_WAITING)
        self._over = asyncio.Event()
        self._rest = b""
        self.broken = False

    async def read(self, most: int = 65536) -> bytes:
        if not self._rest:
            self._rest = await self._next()
        data, self._rest = self._rest[:most], self._rest[most:]
        return data

    async def _next(self) -> bytes:
        getting = asyncio.create_task(self._out.get())
        ending = asyncio.create_task(self._over.wait())
        try:
            while not getting.done() and not ending.done():
                await asyncio.wait([getting, ending], timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                if not getting.done() and not await asyncio.to_thread(self._runs):
                    self.stop()
            if getting.done():
                return getting.result()
        finally:
            ending.cancel()
            getting.cancel()
        if self.broken:
            raise OutsideUnavailable(N_("The connection to the console broke."))
        return b""

    async def write(self, data: bytes) -> None:
        if self._over.is_set():
            raise OutsideUnavailable(N_("The connection to the console broke."))
        for part in self.answer(data):
            await self._out.put(part)

    def answer(self, data: bytes) -> list[bytes]:
        raise NotImplementedError

    def say(self, data: bytes) -> None:
        """From a timer: dropped when nobody reads, as a slow line drops."""
        if not self._out.full() and not self._over.is_set():
            self._out.put_nowait(data)

    def stop(self, *, broken: bool = False) -> None:
        """The machine stops, or the line breaks."""
        self.broken = broken
        self._over.set()

    async def close(self) -> None:
        self._over.set()


class SerialStream(FakeStream):
    def __init__(self, vm_id: UUID, runs: Question) -> None:
        super().__init__(runs)
        self.prompt = f"\r\n{str(vm_id)[:8]} $ ".encode()
        self.say(BANNER + self.prompt)

    def answer(self, data: bytes) -> list[bytes]:
        return [data.replace(b"\r", self.prompt)] if data else []


class ScreenStream(FakeStream):
    """A screen that asks for no password; pictures come at most five times a second."""

    EVERY_S = 0.2

    def __init__(self, runs: Question) -> None:
        super().__init__(runs)
        self.screen = Screen()
        self._due: asyncio.TimerHandle | None = None
        self.say(self.screen.greeting)

    def answer(self, data: bytes) -> list[bytes]:
        parts = self.screen.answer(data)
        if self.screen.wants_change and self._due is None:
            self._due = asyncio.get_running_loop().call_later(self.EVERY_S, self.show_change)
        return [part for part in parts if part]

    def show_change(self) -> None:
        self._due = None
        self.say(self.screen.change())

    async def close(self) -> None:
        if self._due is not None:
            self._due.cancel()
        await super().close()


def simulated(folder: Path) -> FakeConsoles:
    """The consoles of the simulator's machines, which lie in `folder`."""
    hypervisor = FakeHypervisor(folder)

    def is_running(host: HostAddress, vm_id: UUID) -> bool:
        try:
            return hypervisor.machine(host, vm_id).power == Power.RUNNING
        except MachineMissing:
            return False

    return FakeConsoles(is_running)


class FakeConsoles:
    """Machines are running unless `is_running` says otherwise. `unreachable` hosts do not answer."""

    def __init__(self, is_running: Callable[[HostAddress, UUID], bool] = lambda host, vm_id: True) -> None:
        self._is_running = is_running
        self.unreachable: set[str] = set()
        self.open_streams: dict[tuple[UUID, ConsoleKind], FakeStream] = {}
        self.opened: list[UUID] = []  # each opening, in order

    async def open(self, host: HostAddress, vm_id: UUID, kind: ConsoleKind) -> FakeStream:
        if host.name in self.unreachable:
            raise HypervisorUnavailable(N_("The host %(host)s does not answer."), host=host.name)

        def runs() -> bool:
            return self._is_running(host, vm_id)

        if not await asyncio.to_thread(runs):
            raise MachineMissing(N_("The machine does not run. Start it, then open its console."))
        stream = SerialStream(vm_id, runs) if kind == ConsoleKind.SERIAL else ScreenStream(runs)
        self.open_streams[vm_id, kind] = stream
        self.opened.append(vm_id)
        return stream

    def stop_machine(self, vm_id: UUID) -> None:
        """What a power-off does to the open consoles."""
        for (owner, _kind), stream in self.open_streams.items():
            if owner == vm_id:
                stream.stop()

    async def close(self) -> None:
        for stream in self.open_streams.values():
            await stream.close()
        self.open_streams.clear()
