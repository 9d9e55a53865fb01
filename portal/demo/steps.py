"""Progress of the demo's start: numbered steps with a moving clock, readable on a terminal and in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Steps:
    """Prints `[2/6] Bringing up three hosts … 4.1 s`; on a terminal the seconds move while it works."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.number = 0
        self.live = sys.stdout.isatty()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        self.number += 1
        head = f"[{self.number}/{self.total}] {title} …"
        begun = time.monotonic()
        done = threading.Event()
        clock = threading.Thread(target=self.tick, args=(head, begun, done), daemon=True)
        if self.live:
            clock.start()
        else:
            self.print(head)
        try:
            yield
        finally:
            done.set()
            if self.live:
                clock.join()
        end = "\r" if self.live else ""
        self.print(f"{end}{head} {time.monotonic() - begun:.1f} s")

    def tick(self, head: str, begun: float, done: threading.Event) -> None:
        while not done.wait(0.5):
            sys.stdout.write(f"\r{head} {time.monotonic() - begun:.0f} s ")
            sys.stdout.flush()

    def print(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
