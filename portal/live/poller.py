"""One question for all open connections: asked once a moment, answered to each that waits for its part."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar

import structlog

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

log = structlog.get_logger(__name__)


class Watch(Generic[V]):
    """One connection's view: the newest answer, and a way to wait for another one."""

    def __init__(self) -> None:
        self._value: V | None = None
        self._known = False
        self._changed = asyncio.Event()

    def tell(self, value: V) -> None:
        if not self._known or value != self._value:
            self._value, self._known = value, True
            self._changed.set()

    async def change(self) -> V:
        """The next answer that differs from the last one given; the first at once when it is known."""
        await self._changed.wait()
        self._changed.clear()
        assert self._known  # noqa: S101 - tell() sets both
        return self._value  # type: ignore[return-value] # V may itself be None


class SharedPoller(Generic[K, V]):
    """Asks `ask(keys)` every `every_s` while anybody watches, however many they are.

    A failing question is logged and asked again; what was told before stays.
    """

    def __init__(self, name: str, ask: Callable[[frozenset[K]], Awaitable[Mapping[K, V]]], *, every_s: float) -> None:
        self.name = name
        self._ask = ask
        self._every_s = every_s
        self._watches: dict[K, set[Watch[V]]] = {}
        self._wanted = asyncio.Event()

    @contextmanager
    def watching(self, key: K) -> Iterator[Watch[V]]:
        watch: Watch[V] = Watch()
        self._watches.setdefault(key, set()).add(watch)
        self._wanted.set()
        try:
            yield watch
        finally:
            self._watches[key].discard(watch)
            if not self._watches[key]:
                del self._watches[key]
            if not self._watches:
                self._wanted.clear()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            await self.ask_once()
            await asyncio.sleep(self._every_s)

    async def ask_once(self) -> None:
        try:
            answers = await self._ask(frozenset(self._watches))
        except Exception:  # noqa: BLE001 - the poller serves everybody and must outlive one bad answer
            log.exception("live poll failed", poller=self.name)
            return
        for key, answer in answers.items():
            for watch in self._watches.get(key, set()):
                watch.tell(answer)
