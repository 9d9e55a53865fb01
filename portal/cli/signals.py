"""For commands with long work: a signal asks it to end in good order, instead of tearing the command off its work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

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
