"""The paths under /live/, and the beginning and end of what they share."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from portal.interfaces import Consoles
from portal.live.asgi_types import Receive, Scope, Send
from portal.live.consoles import ConsoleDoor
from portal.live.desk import Desk
from portal.live.sse import answer, workflow_events
from portal.site import Site

WORKFLOW = re.compile(r"^/live/workflows/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$")
CONSOLE = "/live/console"
LAST_WORDS_S = 5.0


def make_live(site: Site, consoles: Consoles) -> Live:
    """An ASGI app for the paths under /live/. It serves only while `running` (inside the server's event loop)."""
    return Live(site, consoles)


class Live:
    def __init__(self, site: Site, consoles: Consoles) -> None:
        self._site = site
        self._consoles = consoles
        self._desk: Desk | None = None
        self._door: ConsoleDoor | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Pollers and threads live inside; at the end open connections get a few seconds for their last words."""
        desk = Desk(self._site)
        self._desk, self._door = desk, ConsoleDoor(desk, self._consoles)
        pollers = asyncio.create_task(desk.run())
        try:
            yield
        finally:
            self.stop_soon()
            await desk.empty(LAST_WORDS_S)
            pollers.cancel()
            await asyncio.gather(pollers, return_exceptions=True)
            await self._consoles.close()
            desk.close()
            self._desk = self._door = None

    def stop_soon(self) -> None:
        """Ask every open connection to end; also before the server waits for them."""
        if self._desk is not None:
            self._desk.closing.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.websocket(scope, receive, send)
        else:
            await self.http(scope, receive, send)

    async def websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._door is None or scope["path"] != CONSOLE:
            await receive()
            await send({"type": "websocket.close", "code": 4404})
            return
        await self._door.serve(scope, receive, send)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = WORKFLOW.match(scope["path"])
        if self._desk is None or found is None:
            await answer(send, 404, b"not found")
        elif scope["method"] != "GET":
            await answer(send, 405, b"only GET")
        else:
            await workflow_events(self._desk, UUID(found.group(1)), scope, receive, send)
