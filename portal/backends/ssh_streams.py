"""Unix sockets on hosts through SSH: bytes both ways, one connection a host for all of them."""

from __future__ import annotations

import asyncio

import asyncssh

from portal.backends.ssh_connections import SshConnections, unavailable
from portal.core.errors import N_, MachineMissing, OutsideUnavailable
from portal.interfaces import HostAddress

OPEN_TIMEOUT_S = 9.0


class SshStream:
    """One open socket: a console, or a door. Closing it lets go of the host's connection, once."""

    def __init__(
        self,
        reader: asyncssh.SSHReader[bytes],
        writer: asyncssh.SSHWriter[bytes],
        connections: SshConnections,
        host: HostAddress,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._connections = connections
        self._host = host
        self._closed = asyncio.Event()

    async def read(self, most: int = 65536) -> bytes:
        """A closed stream ends a waiting read too."""
        reading = asyncio.ensure_future(self._reader.read(most))
        closing = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait([reading, closing], return_when=asyncio.FIRST_COMPLETED)
            return bytes(reading.result()) if reading.done() else b""
        except (OSError, asyncssh.Error) as error:
            raise broken() from error
        finally:
            reading.cancel()
            closing.cancel()

    async def write(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (OSError, asyncssh.Error) as error:
            raise broken() from error

    async def close(self) -> None:
        if self._closed.is_set():
            return
        self._closed.set()
        self._writer.channel.abort()
        self._connections.give_back(self._host)


async def open_socket(connections: SshConnections, host: HostAddress, path: str, *, missing: str) -> SshStream:
    """Raises HypervisorUnavailable, or MachineMissing with the msgid `missing` when nothing listens at the path."""
    try:
        async with asyncio.timeout(OPEN_TIMEOUT_S):
            return await dial(connections, host, path, missing)
    except TimeoutError as error:
        raise unavailable(host) from error


async def dial(connections: SshConnections, host: HostAddress, path: str, missing: str) -> SshStream:
    connection = await connections.take(host)
    try:
        reader, writer = await connection.open_unix_connection(path, encoding=None)
    except BaseException as error:
        connections.give_back(host)
        if isinstance(error, asyncssh.ChannelOpenError) and not connection.is_closed():
            raise MachineMissing(missing) from error
        if isinstance(error, OSError | asyncssh.Error):
            raise unavailable(host) from error
        raise
    return SshStream(reader, writer, connections, host)


def broken() -> OutsideUnavailable:
    return OutsideUnavailable(N_("The connection to the machine broke."))
