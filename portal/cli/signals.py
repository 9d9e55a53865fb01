"""For commands with long work: a signal asks it to end in good order, instead of tearing the command off its work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def told_to_stop(signals: Collection[signal.Signals] = SIGNALS) -> Iterator[Callable[[], bool]]:
    """Hands out a question that is answered with yes once somebody has asked us to end."""
    asked = threading.Event()
    before = {number: signal.signal(number, lambda *_: asked.set()) for number in signals}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def torn_off() -> Iterator[None]:
    """A signal leaves the block by SystemExit, so that every `finally` on the way takes down what it brought up.

    A second signal is not heard: half of the clearing up would be worse than waiting for it.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
