"""Calls that may hang, each given a thread and a time limit: whoever asked goes on, whatever the other side does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_AT_ONCE = 32


class TookTooLong(Exception):
    """The call has not come back in time. Its thread waits on; nobody waits for it."""


@dataclass
class Answer(Generic[T]):
    value: list[T] = field(default_factory=list)
    error: BaseException | None = None


@dataclass(frozen=True)
class BoundedCalls:
    """At most `MOST_AT_ONCE` calls to one other side hang at the same time; more are turned away at once."""

    room: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(MOST_AT_ONCE))

    def call(self, work: Callable[[], T], *, timeout_s: float) -> T:
        """What `work` returns or raises. Raises TookTooLong."""
        if not self.room.acquire(timeout=timeout_s):
            raise TookTooLong
        answer: Answer[T] = Answer()
        thread = threading.Thread(target=self._run, args=(work, answer), daemon=True)
        thread.start()
        thread.join(timeout_s)
        if thread.is_alive():
            raise TookTooLong
        if answer.error is not None:
            raise answer.error
        return answer.value[0]

    def _run(self, work: Callable[[], T], answer: Answer[T]) -> None:
        try:
            answer.value.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread of whoever asked
            answer.error = error
        finally:
            self.room.release()
