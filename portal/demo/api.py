"""A few calls to the portal's own API with nothing but the standard library: what a hospital's script would do."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any


class ApiTrouble(Exception):
    """The API answered with a problem; the text says which."""


class Api:
    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self.token = token

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Answer of /api/v1<path>. Raises ApiTrouble for 4xx and 5xx and when nobody answers."""
        request = urllib.request.Request(  # noqa: S310 - our own http address
            f"{self.url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            raise ApiTrouble(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:500]}") from error
        except OSError as error:
            raise ApiTrouble(f"{method} {path}: {error}") from error


def wait_for(question: Callable[[], bool], *, seconds: float, what: str, every_s: float = 0.5) -> None:
    """Ask until the answer is yes; raises ApiTrouble when the time is over."""
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            raise ApiTrouble(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(every_s)
