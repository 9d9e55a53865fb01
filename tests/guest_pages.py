"""What a guest answers a browser."""

from __future__ import annotations

import time
import urllib.error
import urllib.request


def read_page(place: str, path: str = "/") -> str:
    """The page at `place` (an address, perhaps with a port), once the guest answers; emulation is slow."""
    deadline = time.monotonic() + 240
    while True:
        try:
            with urllib.request.urlopen(f"http://{place}{path}", timeout=120) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, "no page in time"
            time.sleep(1)
