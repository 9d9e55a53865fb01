"""The paths under /live/, and the beginning and end of what they share."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from portal.interfaces import Consoles, DoorStreams
from portal.live.asgi_types import Receive, Scope, Send
from portal.live.consoles import ConsoleDoor
from portal.live.desk import Desk
from portal.live.doors import DoorKeeper, is_of_doors
from portal.live.sse import answer, workflow_events
from portal.site import Site

WORKFLOW = re.compile(r"^/live/workflows/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$")
CONSOLE = "/live/console"
LAST_WORDS_S = 5.0


def make_live(site: Site, consoles: Consoles, door_streams: DoorStreams) -> Live:
    """An ASGI app for the paths under /live/, and for seats' doors. It serves only while `running`.

    That is inside the server's event loop.
    """
    return Live(site, consoles, door_streams)


class Live:
    def __init__(self, site: Site, consoles: Consoles, door_streams: DoorStreams) -> None:
        self._site = site
        self._consoles = consoles
        self._door_streams = door_streams
        self._desk: Desk | None = None
        self._door: ConsoleDoor | None = None
        self._keeper: DoorKeeper | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Pollers and threads live inside; at the end open connections get a few seconds for their last words."""
        desk = Desk(self._site)
        self._desk, self._door = desk, ConsoleDoor(desk, self._consoles)
        self._keeper = keeper = DoorKeeper(desk, self._door_streams)
        pollers = asyncio.create_task(desk.run())
        try:
            yield
        finally:
            self.stop_soon()
            await desk.empty(LAST_WORDS_S)
            pollers.cancel()
            await asyncio.gather(pollers, return_exceptions=True)
            await self._consoles.close()
            await keeper.close()
            desk.close()
            self._desk = self._door = self._keeper = None

    def stop_soon(self) -> None:
        """Ask every open connection to end; also before the server waits for them."""
        if self._desk is not None:
            self._desk.closing.set()

    def is_door(self, scope: Scope) -> bool:
        """Whether this goes to an origin of a seat's door, where the portal serves nothing of its own."""
        return is_of_doors(scope, self._site.settings)

    async def door(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._keeper is not None:
            await self._keeper(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1001})
        else:
            await answer(send, 503, b"the server is not ready")

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
