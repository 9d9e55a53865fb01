"""Doors of seats in the browser: each on an origin of its own, where nothing of the portal's is served.

A request's road: the name in Host, the cookie of that name, whether its bearer still sits there, then the machine.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import parse_qs, quote

import structlog

from portal.config import Settings
from portal.interfaces import DoorStreams
from portal.live.asgi_types import Receive, Scope, Send
from portal.live.desk import Desk
from portal.live.door_access import COOKIE, LIVES_S, Gate, admit, pass_of, seal
from portal.live.door_http import BrowserGone, Exchange, target_of
from portal.live.door_lines import DoorTrouble, Line, Lines
from portal.live.door_pages import CLOSED, GARBLED, NOT_A_PAGE, NOT_HERE, STOPPING, Notice, show
from portal.live.door_sockets import Tunnel
from portal.live.visitors import headers_of
from portal.services.doors import ENTER, LABEL_LETTERS, DoorPass, Way, origin_of

LABEL = re.compile(rf"seat-[0-9a-f]{{{LABEL_LETTERS}}}")
HOST = re.compile(r"([A-Za-z0-9.-]+?)\.?(:\d{1,5})?")
OURS = "/.vivero/"
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})

log = structlog.get_logger(__name__)


def name_of(scope: Scope) -> str:
    """The name that the browser calls us by; "" if it names none, several or nonsense."""
    hosts = list(headers_of(scope, b"host"))
    found = HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    return found.group(1).lower() if found else ""


def is_of_doors(scope: Scope, settings: Settings) -> bool:
    """True for every name below the doors' domain, known or not: the portal never answers there."""
    domain = settings.doors_at
    return bool(domain) and any(
        host.lower().partition(":")[0].rstrip(".").endswith(f".{domain}") for host in headers_of(scope, b"host")
    )


class DoorKeeper:
    """Serves the names below the doors' domain."""

    def __init__(self, desk: Desk, streams: DoorStreams) -> None:
        self.desk = desk
        self.settings = desk.site.settings
        self.scheme = self.settings.base_url.partition(":")[0]
        self.gate = Gate(desk)
        self.lines = Lines(streams)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()  # websocket.connect
        notice = await self.serve(scope, receive, send)
        if notice is not None:
            await show(scope, send, notice, self.settings)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> Notice | None:
        """A notice instead, while nothing has been sent."""
        label = name_of(scope).removesuffix(f".{self.settings.doors_at}")
        if not LABEL.fullmatch(label):
            return NOT_HERE
        if scope["path"].startswith(OURS):
            return await self.enter(scope, send, label) if scope["path"] == ENTER else NOT_HERE
        who = pass_of(scope, self.settings, label)
        if who is None or not self.is_from_here(scope, label):
            return CLOSED
        way = await self.gate.way(who, is_present=is_by_hand(scope))
        if way is None:
            return CLOSED
        try:
            async with self.lines.place(way):
                serve = self.tunnel if scope["type"] == "websocket" else self.exchange
                return await serve(who, way, scope, receive, send)
        except BrowserGone:
            return None
        except DoorTrouble as trouble:
            log.info("door trouble", seat_id=str(way.seat_id), door=who.door, trouble=repr(trouble.__cause__))
            return trouble.notice

    def is_from_here(self, scope: Scope, label: str) -> bool:
        """Other sites' pages may open no WebSocket here: browsers would send this origin's cookie along."""
        origins = list(headers_of(scope, b"origin"))
        if scope["type"] != "websocket" or not origins:
            return True
        scheme, _, host = origins[0].partition("://")
        return scheme in ("http", "https") and [host] == list(headers_of(scope, b"host"))

    async def enter(self, scope: Scope, send: Send, label: str) -> Notice | None:
        """The ticket becomes a cookie of this origin, and the browser goes on to the door's page."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return NOT_A_PAGE
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        ticket, door = (asked.get(name, [""])[0] for name in ("ticket", "door"))
        admitted = await self.desk.off_loop(lambda: admit(self.desk.site, ticket, door=door, label=label))
        if admitted is None:
            return CLOSED
        who, way = admitted
        secure = "; Secure" if self.settings.is_https else ""
        pair = f"{self.settings.cookie(COOKIE)}={seal(self.settings, who)}"
        cookie = f"{pair}; Path=/; Max-Age={LIVES_S}; HttpOnly; SameSite=Lax{secure}"
        place = origin_of(self.settings, label) + quote(way.path, safe="/?&=%#:;,+@!~*'()")
        headers = [
            (b"location", place.encode()),
            (b"set-cookie", cookie.encode()),
            (b"cache-control", b"no-store"),
            (b"referrer-policy", b"no-referrer"),
            (b"content-length", b"0"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return None

    async def exchange(self, who: DoorPass, way: Way, scope: Scope, receive: Receive, send: Send) -> Notice | None:
        target_of(scope)
        is_repeatable = scope["method"] in REPEATABLE and not has_body(scope)
        line = await self.lines.line(who, way, fresh=not is_repeatable)
        exchange, notice = await self.once(who, line, scope, receive, send)
        if notice is not None and line.is_used and notice == GARBLED and not line.was_heard:
            # the machine had closed the connection that we kept: once more, on one of its own
            exchange, notice = await self.once(who, Line(await self.lines.open(way)), scope, receive, send)
        return None if exchange.has_begun else notice

    async def once(
        self, who: DoorPass, line: Line, scope: Scope, receive: Receive, send: Send
    ) -> tuple[Exchange, Notice | None]:
        exchange = Exchange(scope, receive, send, line, scheme=self.scheme)
        try:
            notice = await self.until_closed(who, exchange.run())
        except DoorTrouble as trouble:
            notice = trouble.notice
        finally:
            if exchange.is_over:
                await self.lines.give_back(who, line)
            else:
                await self.lines.drop(who, line)
        return exchange, notice

    async def tunnel(self, who: DoorPass, way: Way, scope: Scope, receive: Receive, send: Send) -> Notice | None:
        stream = await self.lines.open(way)
        tunnel = Tunnel(scope, receive, send, stream, scheme=self.scheme)
        try:
            await tunnel.open()
            notice = await self.until_closed(who, tunnel.talk())
        except DoorTrouble as trouble:
            notice = trouble.notice
        finally:
            await stream.close()
        if notice is not None and tunnel.is_accepted:
            await tunnel.close(notice.code, "")
        return None if tunnel.is_accepted else notice

    async def until_closed(self, who: DoorPass, work: Any) -> Notice | None:
        """Do the work, unless the door closes for this person or the server stops; then say which."""
        tasks = [asyncio.ensure_future(one) for one in (work, self.gate.closes(who), self.desk.closing.wait())]
        working, closed, _ = tasks
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if working.cancelled():
            if closed.cancelled():
                return STOPPING
            closed.result()  # a bug must be seen, not swallowed
            return CLOSED
        working.result()
        return None

    async def close(self) -> None:
        await self.lines.close()


def is_by_hand(scope: Scope) -> bool:
    """A page was opened by a person, and not asked for by a script again and again."""
    return "navigate" in headers_of(scope, b"sec-fetch-mode")


def has_body(scope: Scope) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
