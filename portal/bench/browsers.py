"""One browser of a student or teacher as the server sees it: a connection that is kept, cookies, forms with a token."""

from __future__ import annotations

import html
import http.client
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"|data-csrf="([^"]+)"')
PATIENCE_S = 30.0
FORM = "application/x-www-form-urlencoded"
GONE = (http.client.RemoteDisconnected, ConnectionError)


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: Mapping[str, str]


@dataclass
class Taken:
    """How long the answers took, in milliseconds, by the kind of page; and how many were not what was hoped for."""

    ms: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)

    def note(self, kind: str, ms: float, *, good: bool) -> None:
        self.ms.setdefault(kind, []).append(ms)
        self.errors[kind] = self.errors.get(kind, 0) + (not good)

    def add(self, other: Taken) -> None:
        for kind, ms in other.ms.items():
            self.ms.setdefault(kind, []).extend(ms)
            self.errors[kind] = self.errors.get(kind, 0) + other.errors[kind]


class Browser:
    """Not safe for several threads: each student has their own."""

    def __init__(self, port: int, cookies: Mapping[str, str]) -> None:
        self.cookies = dict(cookies)
        self.token = ""
        self.taken = Taken()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)

    def get(self, kind: str, path: str) -> Answer:
        return self.ask(kind, "GET", path)

    def post(self, kind: str, path: str, values: Mapping[str, str]) -> Answer:
        """As htmx sends a form."""
        return self.ask(kind, "POST", path, urlencode({"csrf_token": self.token, **values}))

    def ask(self, kind: str, method: str, path: str, body: str | None = None) -> Answer:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": FORM, "HX-Request": "true"}
        began = time.perf_counter()
        try:
            answer = self.answer(method, path, body, headers)
        except (OSError, http.client.HTTPException):
            self._connection.close()
            answer = Answer(0, "", {})
        self.taken.note(kind, (time.perf_counter() - began) * 1000, good=200 <= answer.status < 400)
        return answer

    def answer(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        """Servers close connections that were idle; browsers open another one without a word."""
        try:
            return self.answer_once(method, path, body, headers)
        except GONE:
            self._connection.close()
            return self.answer_once(method, path, body, headers)

    def answer_once(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        self._connection.request(method, path, body, dict(headers))
        answer = self._connection.getresponse()
        text = answer.read().decode(errors="replace")
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        found = TOKEN.search(text)
        if found:
            self.token = html.unescape(found.group(1) or found.group(2))
        return Answer(answer.status, text, dict(answer.headers))

    def close(self) -> None:
        self._connection.close()
