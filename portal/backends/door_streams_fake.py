"""Doors without machines: a small page behind each, for the simulator; tests may lead one to a server of theirs."""

from __future__ import annotations

import asyncio
import socket
from html import escape
from uuid import UUID

import h11

from portal.core.errors import N_, HypervisorUnavailable, MachineMissing, OutsideUnavailable
from portal.interfaces import HostAddress

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{door}</title></head>
<body><h1>{door}</h1><p>Vivero simulator: no machine stands behind this door. You asked for {path}.</p></body></html>
"""


class SocketStream:
    """A socket of this machine as a door's stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, most: int = 65536) -> bytes:
        try:
            return await self._reader.read(most)
        except OSError as error:
            raise broken() from error

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise broken() from error

    async def close(self) -> None:
        self._writer.transport.abort()
        self._reader.feed_eof()


def broken() -> OutsideUnavailable:
    return OutsideUnavailable(N_("The connection to the machine broke."))


class FakeDoorStreams:
    """Every door is open unless it is named in `closed`; `unreachable` hosts do not answer."""

    def __init__(self) -> None:
        self.unreachable: set[str] = set()
        self.closed: set[str] = set()
        self.opened = 0
        self.open_streams: set[SocketStream] = set()
        self._ports: dict[str, int] = {}
        self._pages: set[asyncio.Task[None]] = set()

    def lead(self, door: str, port: int) -> None:
        """From now on the door leads to this port of 127.0.0.1, at every seat."""
        self._ports[door] = port

    async def open(self, host: HostAddress, seat_id: UUID, door: str) -> SocketStream:
        if host.name in self.unreachable:
            raise HypervisorUnavailable(N_("The host %(host)s does not answer."), host=host.name)
        if door in self.closed:
            raise MachineMissing(N_("Nothing answers behind this door."))
        self.opened += 1
        stream = await (self._dial(self._ports[door]) if door in self._ports else self._page(door))
        self.open_streams.add(stream)
        return stream

    async def _dial(self, port: int) -> SocketStream:
        try:
            return SocketStream(*await asyncio.open_connection("127.0.0.1", port))
        except OSError as error:
            raise MachineMissing(N_("Nothing answers behind this door.")) from error

    async def _page(self, door: str) -> SocketStream:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=theirs)
        serving = asyncio.create_task(serve_page(SocketStream(reader, writer), door))
        self._pages.add(serving)
        serving.add_done_callback(self._pages.discard)
        return SocketStream(*await asyncio.open_connection(sock=ours))

    async def close(self) -> None:
        for stream in self.open_streams:
            await stream.close()
        await asyncio.gather(*self._pages)
        self.open_streams.clear()


async def serve_page(stream: SocketStream, door: str) -> None:
    """Answer requests one after the other until the other side closes."""
    connection = h11.Connection(h11.SERVER)
    try:
        while (request := await next_request(connection, stream)) is not None:
            text = PAGE.format(door=escape(door), path=escape(request.target.decode("latin-1"))).encode()
            headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(text)))]
            for event in (
                h11.Response(status_code=200, headers=headers),
                h11.Data(data=b"" if request.method == b"HEAD" else text),
                h11.EndOfMessage(),
            ):
                await stream.write(connection.send(event) or b"")
            if connection.our_state is not h11.DONE:
                return
            connection.start_next_cycle()
    except (h11.ProtocolError, OutsideUnavailable):
        return
    finally:
        await stream.close()


async def next_request(connection: h11.Connection, stream: SocketStream) -> h11.Request | None:
    """The whole request, its body thrown away; None when no more comes."""
    request = None
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.read())
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.ConnectionClosed):
            return None
    return request
