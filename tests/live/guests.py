"""What may stand behind a door in tests: an application that tells what reached it, and servers that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn

LARGE = 48 << 20
PART = b"x" * 65536
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def guest_app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await echo(scope, receive, send)
        return
    page = PAGES.get(scope["path"], tell)
    await page(scope, receive, send)


async def body_of(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def answer(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


async def tell(scope: Any, receive: Any, send: Any) -> None:
    """What came, as JSON."""
    body = await body_of(receive)
    said = {
        "method": scope["method"],
        "path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
        "body": body.decode(),
    }
    await answer(send, 200, json.dumps(said).encode(), (b"content-type", b"application/json"))


async def redirect(scope: Any, receive: Any, send: Any) -> None:
    host = dict(scope["headers"])[b"host"]
    await answer(send, 302, b"", (b"location", b"http://" + host + b"/next"))


async def bold(scope: Any, receive: Any, send: Any) -> None:
    """Tries everything that would reach beyond the door."""
    await answer(
        send,
        200,
        b"bold",
        (b"set-cookie", b"sid=1; Path=/; Domain=localhost; HttpOnly"),
        (b"set-cookie", b"vivero_seat=stolen; Domain=.localhost"),
        (b"set-cookie", b"VIVERO_door=x"),
        (b"strict-transport-security", b"max-age=99"),
        (b"service-worker-allowed", b"/"),
        (b"alt-svc", b'h3=":443"'),
        (b"clear-site-data", b'"cookies"'),
        (b"x-accel-redirect", b"/live/console"),
        (b"connection", b"x-secret"),
        (b"x-secret", b"1"),
        (b"content-security-policy", b"default-src 'self'"),
    )


async def large(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(LARGE // len(PART)):
        await send({"type": "http.response.body", "body": PART, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    await answer(send, 204, b"")


async def length(scope: Any, receive: Any, send: Any) -> None:
    await answer(send, 200, str(len(await body_of(receive))).encode(), (b"content-type", b"text/plain"))


PAGES = {"/redirect": redirect, "/bold": bold, "/large": large, "/nothing": nothing, "/length": length}


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Says everything back; "close" closes with a code of its own, "headers" tells them."""
    await receive()
    if scope["path"] == "/refuses":
        await send({"type": "websocket.close"})
        return
    offered = scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": offered[-1] if offered else None})
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4321, "reason": "as you wish"})
            return
        if message.get("text") == "headers":
            message["text"] = json.dumps([[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]])
        await send({**message, "type": "websocket.send"})


def on_loopback() -> socket.socket:
    """TCP by name: asyncio sends small parts at once only on sockets that say so, and waits 40 ms on others."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return listener


@asynccontextmanager
async def guest() -> AsyncIterator[int]:
    """The application on a port of loopback."""
    server = uvicorn.Server(
        uvicorn.Config(guest_app, port=0, log_config=None, lifespan="off", ws="websockets-sansio", http="h11")
    )
    with on_loopback() as listener:
        running = asyncio.create_task(server._serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await asyncio.wait_for(running, 10)


@asynccontextmanager
async def raw_guest(behave: Behaviour) -> AsyncIterator[int]:
    """A server that does whatever `behave` does with each connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await behave(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
