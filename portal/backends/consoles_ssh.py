"""Machines' consoles through SSH: QEMU's unix sockets on the host, one connection a host for all of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import asyncssh

from portal.backends.ssh_connections import SshConnections, unavailable
from portal.core.errors import N_, MachineMissing, OutsideUnavailable
from portal.interfaces import ConsoleKind, HostAddress

OPEN_TIMEOUT_S = 9.0
SOCKETS = "/run/vivero"
SOCKET_NAMES = {ConsoleKind.GRAPHICAL: "vnc.sock", ConsoleKind.SERIAL: "serial.sock"}


class SshStream:
    """One console. Closing it lets go of the host's connection, once."""

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


class SshConsoles:
    def __init__(self, *, ssh_key: Path, known_hosts: Path) -> None:
        self._connections = SshConnections(ssh_key=ssh_key, known_hosts=known_hosts)

    async def open(self, host: HostAddress, vm_id: UUID, kind: ConsoleKind) -> SshStream:
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                return await self._open(host, f"{SOCKETS}/{vm_id}/{SOCKET_NAMES[kind]}")
        except TimeoutError as error:
            raise unavailable(host) from error

    async def _open(self, host: HostAddress, path: str) -> SshStream:
        connection = await self._connections.take(host)
        try:
            reader, writer = await connection.open_unix_connection(path, encoding=None)
        except BaseException as error:
            self._connections.give_back(host)
            if isinstance(error, asyncssh.ChannelOpenError) and not connection.is_closed():
                raise MachineMissing(N_("The machine does not run. Start it, then open its console.")) from error
            if isinstance(error, OSError | asyncssh.Error):
                raise unavailable(host) from error
            raise
        return SshStream(reader, writer, self._connections, host)

    async def close(self) -> None:
        await self._connections.close()


def broken() -> OutsideUnavailable:
    return OutsideUnavailable(N_("The connection to the console broke."))
