"""One HTTP request through a door: the browser's goes in and the machine's answer comes out, both as they stream."""

from __future__ import annotations

import asyncio
from typing import Any

import h11

from portal.live.asgi_types import Receive, Scope, Send
from portal.live.door_headers import framing_of, from_guest, to_guest
from portal.live.door_lines import DoorTrouble, Line
from portal.live.door_pages import GARBLED, NOT_A_PAGE, SLOW, TOO_LARGE

LARGEST_BODY = 64 << 20
FIRST_BYTE_S = 60.0
BODY_PART_S = 60.0
HIGHEST_STATUS = 599


class BrowserGone(Exception):
    """Nobody waits for the answer any more."""


class Exchange:
    """Raises DoorTrouble, BrowserGone. Once `has_begun`, what goes wrong can only be shown by breaking off."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, line: Line, *, scheme: str) -> None:
        self.scope = scope
        self.receive = receive
        self.send = send
        self.line = line
        self.scheme = scheme
        self.has_begun = False
        self.is_over = False
        self.patience = asyncio.timeout(None)

    async def run(self) -> None:
        download = asyncio.create_task(self.download())  # first, for it must listen before the asking is done
        upload = asyncio.create_task(self.upload())
        try:
            await asyncio.wait([download, upload], return_when=asyncio.FIRST_COMPLETED)
            if upload.done() and not download.done():
                upload.result()
        finally:
            for task in (download, upload):
                task.cancel()
            await asyncio.gather(download, upload, return_exceptions=True)
        download.result()

    async def upload(self) -> None:
        """Ends only by an exception: after the request it waits for the browser to go away."""
        try:
            await self.ask()
        except DoorTrouble as trouble:
            if trouble.notice != GARBLED:
                raise
            # the machine may have answered already, and closed before it read everything
        if not self.has_begun:
            self.patience.reschedule(asyncio.get_running_loop().time() + FIRST_BYTE_S)
        while (await self.receive())["type"] != "http.disconnect":
            pass
        raise BrowserGone

    async def ask(self) -> None:
        framing = framing_of(self.scope["headers"])
        if int(dict(framing).get(b"content-length", b"0")) > LARGEST_BODY:
            raise DoorTrouble(TOO_LARGE)
        await self.line.say(
            h11.Request(
                method=self.scope["method"],
                target=target_of(self.scope),
                headers=[*to_guest(self.scope, scheme=self.scheme), *framing],
            )
        )
        if framing:
            await self.pass_body()
        await self.line.say(h11.EndOfMessage())

    async def pass_body(self) -> None:
        length, more = 0, True
        while more:
            try:
                message: Any = await asyncio.wait_for(self.receive(), BODY_PART_S)
            except TimeoutError as error:
                raise BrowserGone from error
            if message["type"] == "http.disconnect":
                raise BrowserGone
            body, more = message.get("body", b""), message.get("more_body", False)
            length += len(body)
            if length > LARGEST_BODY:
                raise DoorTrouble(TOO_LARGE)
            if body:
                await self.line.say(h11.Data(data=body))

    async def download(self) -> None:
        try:
            async with self.patience:
                response = await self.answer()
                self.has_begun = True
        except TimeoutError as error:
            raise DoorTrouble(SLOW) from error
        headers = from_guest(response.headers)
        await self.send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        while not isinstance(event := await self.line.hear(), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise DoorTrouble(GARBLED)
            await self.send({"type": "http.response.body", "body": bytes(event.data), "more_body": True})
        self.is_over = True
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def answer(self) -> h11.Response:
        while isinstance(event := await self.line.hear(), h11.InformationalResponse):
            if event.status_code == 101:  # noqa: PLR2004 - nobody asked to switch
                break
        if not isinstance(event, h11.Response) or event.status_code > HIGHEST_STATUS:
            raise DoorTrouble(GARBLED)
        return event


def target_of(scope: Scope) -> bytes:
    """As the browser wrote it. Raises DoorTrouble for anything but a path."""
    path: bytes = scope.get("raw_path") or b""
    if not path.startswith(b"/"):
        raise DoorTrouble(NOT_A_PAGE)
    query: bytes = scope["query_string"]
    return path + (b"?" + query if query else b"")
