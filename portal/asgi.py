"""One ASGI application: what stays open runs in the event loop, pages and API in a few threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog
from a2wsgi import WSGIMiddleware

from portal import api
from portal.config import Settings
from portal.live import Live, make_live
from portal.live.asgi_types import AsgiApp, Message, Receive, Scope, Send
from portal.live.sse import answer
from portal.web import make_app
from portal.wiring import build_consoles, build_door_streams, build_site, check_tables, close_site

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

PAGE_THREADS = 16
LARGEST_BODY = 2 << 20
BODY_WITHIN_S = 30.0
LONGEST_ID = 36

log = structlog.get_logger(__name__)


class BodyTrouble(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def build_portal(settings: Settings) -> Portal:
    """Pages, API and what stays open, over one site."""
    site = build_site(settings)
    check_tables(site)
    app = make_app(site)
    api.register(app, site)
    live = make_live(site, build_consoles(settings), build_door_streams(settings))
    return Portal(app, live, close=lambda: close_site(site))


class Portal:
    """`live` answers under /live/ and on doors' origins; all else is Flask's, once its body has come in whole."""

    def __init__(self, pages: WSGIApplication, live: Live, *, close: Callable[[], None] = lambda: None) -> None:
        self.live = live
        self.close = close  # what the pages asked of the outside; after the last answer
        self._pages: AsgiApp = WSGIMiddleware(pages, workers=PAGE_THREADS)  # type: ignore[assignment,arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif self.live.is_door(scope):
            await self.live.door(scope, receive, send)
        elif scope["type"] == "websocket" or scope["path"].startswith("/live/"):
            await self.live(scope, receive, send)
        else:
            await self.page(scope, receive, send)

    async def lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.live.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A slow sender waits here, in the event loop, and not in one of the few threads."""
        if b"%00" in scope["query_string"]:  # nobody types it, and PostgreSQL takes no such text
            await refuse(scope, send, 400, "the address has an invisible character")
            return
        try:
            body = await asyncio.wait_for(whole_body(receive), BODY_WITHIN_S)
        except BodyTrouble as trouble:
            await refuse(scope, send, trouble.status, str(trouble))
            return
        except TimeoutError:
            await refuse(scope, send, 408, "the request came too slowly")
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self._pages(scope, replay, noting(scope, send))


async def refuse(scope: Scope, send: Send, status: int, text: str) -> None:
    """A call of the API gets a problem, as for everything else that goes wrong there."""
    if scope["path"].startswith(api.ROOT + "/"):
        media_type, body = api.problem_document(status, text)
        await answer(send, status, body, media_type)
    else:
        await answer(send, status, text.encode())


def noting(scope: Scope, send: Send) -> Send:
    """Write one line for each answer: neither the query nor what looks like a secret in the path."""
    began = monotonic()

    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start" and not scope["path"].startswith("/static/"):
            took_ms = int((monotonic() - began) * 1000)
            log.info("answered", method=scope["method"], path=safe(scope["path"]), status=message["status"], ms=took_ms)
        await send(message)

    return noted


def safe(path: str) -> str:
    """Ids are 36 characters long; what is longer is a signed link or a key."""
    return "/".join(part if len(part) <= LONGEST_ID else "…" for part in path[:500].split("/"))


async def whole_body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise BodyTrouble(400, "the request was broken off")
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise BodyTrouble(413, "the request is too large")
        if not message.get("more_body", False):
            return bytes(body)
