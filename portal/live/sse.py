"""Server-sent events: tell a page that the work it shows has moved on, so that it fetches its fragment again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from portal.core.errors import NotAllowed, NotFound
from portal.live.asgi_types import Receive, Scope, Send
from portal.live.desk import Desk, Full
from portal.live.visitors import Visitor, login_key, visitor_of
from portal.services import vm_requests, vms
from portal.services.consoles import Sitting

HEARTBEAT_S = 15.0
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events back
    (b"x-content-type-options", b"nosniff"),
]


async def workflow_events(desk: Desk, subject: UUID, scope: Scope, receive: Receive, send: Send) -> None:
    """GET /live/workflows/<id>: the id of a request, or of a machine that is being retired."""
    key = login_key(scope, desk.site.settings)
    visitor = await desk.off_loop(lambda: visitor_of(desk.site, key))
    if visitor is None:
        await answer(send, 401, b"log in first")
        return
    if not await desk.off_loop(lambda: may_watch(desk, visitor, subject)):
        await answer(send, 404, b"not found")
        return
    try:
        with desk.counted(visitor.login_session_hash):
            await stream(desk, visitor, subject, receive, send)
    except Full:
        await answer(send, 429, b"too many connections of this log-in")


def may_watch(desk: Desk, visitor: Visitor, subject: UUID) -> bool:
    with desk.site.sessions() as db:
        try:
            vm_requests.get(db, actor=visitor.actor, vm_request_id=subject)
            return True
        except (NotAllowed, NotFound):
            pass  # a machine may have this id
        try:
            vms.get(db, actor=visitor.actor, vm_id=subject)
            return True
        except (NotAllowed, NotFound):
            return False


async def answer(send: Send, status: int, text: bytes, media_type: str = "text/plain; charset=utf-8") -> None:
    headers = [(b"content-type", media_type.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def stream(desk: Desk, visitor: Visitor, subject: UUID, receive: Receive, send: Send) -> None:
    """Until the work has ended, the browser has gone, the log-in has, or the server stops."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    sending = asyncio.create_task(send_events(desk, visitor, subject, send))
    watched = [
        sending,
        asyncio.create_task(gone(receive)),
        asyncio.create_task(logged_out(desk, visitor)),
        asyncio.create_task(wait_closing(desk)),
    ]
    try:
        done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in watched:
            task.cancel()
        await asyncio.gather(*watched, return_exceptions=True)
    for task in done:
        task.result()  # a bug must be seen, not swallowed
    await send({"type": "http.response.body", "body": b""})


async def wait_closing(desk: Desk) -> None:
    await desk.closing.wait()


async def gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def logged_out(desk: Desk, visitor: Visitor) -> None:
    sitting = Sitting(visitor.login_session_hash, visitor.actor.account_id)
    with desk.access.watching(sitting) as watch:
        while await watch.change() is None:
            pass


async def send_events(desk: Desk, visitor: Visitor, subject: UUID, send: Send) -> None:
    async for text in events(desk, subject):
        await send({"type": "http.response.body", "body": text, "more_body": True})


async def events(desk: Desk, subject: UUID) -> AsyncIterator[bytes]:
    """`progress` with the revision whenever it moved, a heartbeat in between, `ended` at last."""
    with desk.pulses.watching(subject) as watch:
        while True:
            pulse: Any = None
            try:
                pulse = await asyncio.wait_for(watch.change(), HEARTBEAT_S)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            yield f"event: progress\ndata: {pulse.revision}\n\n".encode()
            if pulse.ended:
                yield f"event: ended\ndata: {pulse.revision}\n\n".encode()
                return
