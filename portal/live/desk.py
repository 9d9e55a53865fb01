"""What all open connections of this process share: database threads, pollers, and the count of each log-in."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar
from uuid import UUID

from portal.live.poller import SharedPoller
from portal.services import seat_consoles
from portal.services.consoles import Refusal, Sitting
from portal.services.pulses import Pulse, pulses
from portal.site import Site

T = TypeVar("T")
DATABASE_THREADS = 4
PULSE_EVERY_S = 0.5
ACCESS_EVERY_S = 2.0
MOST_FOR_ONE_LOGIN = 12
MOST_TOGETHER = 500


class Full(Exception):
    """Too many connections are open, for this log-in or together."""


class Desk:
    """Made once per process; `run` keeps the pollers going until it is cancelled."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.closing = asyncio.Event()
        self._open: Counter[str] = Counter()
        self._threads = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="live")
        self.pulses: SharedPoller[UUID, Pulse] = SharedPoller("pulses", self.ask_pulses, every_s=PULSE_EVERY_S)
        self.access: SharedPoller[Sitting, Refusal | None] = SharedPoller(
            "access", self.ask_access, every_s=ACCESS_EVERY_S
        )

    async def run(self) -> None:
        await asyncio.gather(self.pulses.run(), self.access.run())

    async def empty(self, within_s: float) -> None:
        """Return when no connection is open any more, or when the time is over."""
        end = asyncio.get_running_loop().time() + within_s
        while self._open and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.05)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def off_loop(self, work: Callable[[], T]) -> T:
        """Run what waits for the database in a thread: the event loop belongs to the consoles."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    @contextmanager
    def counted(self, login_session_hash: str) -> Iterator[None]:
        """Hold one place while the connection is open. Raises Full."""
        if self._open[login_session_hash] >= MOST_FOR_ONE_LOGIN or self._open.total() >= MOST_TOGETHER:
            raise Full
        self._open[login_session_hash] += 1
        try:
            yield
        finally:
            self._open[login_session_hash] -= 1
            if not self._open[login_session_hash]:
                del self._open[login_session_hash]

    async def ask_pulses(self, subjects: frozenset[UUID]) -> Mapping[UUID, Pulse]:
        def ask() -> Mapping[UUID, Pulse]:
            with self.site.sessions() as db:
                return pulses(db, subjects)

        return await self.off_loop(ask)

    async def ask_access(self, sittings: frozenset[Sitting]) -> Mapping[Sitting, Refusal | None]:
        def ask() -> Mapping[Sitting, Refusal | None]:
            idle = self.site.settings.idle_minutes
            with self.site.sessions() as db:
                return seat_consoles.refusals(db, sittings, now=self.site.clock(), idle_minutes=idle)

        return await self.off_loop(ask)
