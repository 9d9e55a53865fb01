"""Small looks at a host's files over one kept SSH connection: no process is started, neither here nor there."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from portal.backends.ssh_connections import SshConnections, unavailable
from portal.interfaces import HostAddress

T = TypeVar("T")
Talk = Callable[[asyncssh.SSHClientConnection, asyncssh.SFTPClient], Awaitable[T]]
TIMEOUT_S = 12.0
MIB = 1024 * 1024
LARGEST_JSON = 64 * 1024


@dataclass(frozen=True)
class Space:
    total_mib: int
    free_mib: int


class HostFiles:
    """For threads: every call waits for its answer, at most `timeout_s`. An event loop of our own does the talking."""

    def __init__(self, *, ssh_key: Path, known_hosts: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._connections = SshConnections(ssh_key=ssh_key, known_hosts=known_hosts)
        self._clients: dict[HostAddress, tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]] = {}
        self._timeout_s = timeout_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()

    def tail(self, host: HostAddress, path: str, *, most: int) -> bytes | None:
        """The file's last bytes; None if there is no such file."""
        return self._ask(host, lambda sftp: read_tail(sftp, path, most))

    def names(self, host: HostAddress, folder: str) -> list[str]:
        """What is in the folder; nothing if it is not there."""
        return self._ask(host, lambda sftp: list_names(sftp, folder))

    def space(self, host: HostAddress, folder: str) -> Space:
        return self._ask(host, lambda sftp: measure(sftp, folder))

    def read_json(self, host: HostAddress, path: str) -> dict[str, Any]:
        """A small file of ours; {} if it is not there or makes no sense."""
        try:
            values = json.loads(self.tail(host, path, most=LARGEST_JSON) or b"{}")
        except ValueError:
            return {}
        return values if isinstance(values, dict) else {}

    def make_folder(self, host: HostAddress, path: str) -> None:
        """For root only. It may be there already."""
        return self._ask(host, lambda sftp: make_private(sftp, path))

    def _ask(self, host: HostAddress, question: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        return self.over(host, lambda connection, sftp: question(sftp), timeout_s=self._timeout_s)

    def over(self, host: HostAddress, talk: Talk[T], *, timeout_s: float) -> T:
        """For other backends too. Raises HypervisorUnavailable when the connection breaks or the talk is slow."""
        answer = asyncio.run_coroutine_threadsafe(self._answer(host, talk), self._running_loop())
        try:
            return answer.result(timeout_s)
        except concurrent.futures.TimeoutError as error:
            answer.cancel()
            raise unavailable(host) from error

    async def _answer(self, host: HostAddress, talk: Talk[T]) -> T:
        async with self._connections.borrow(host) as connection:
            try:
                return await talk(connection, await self._client(host, connection))
            except (OSError, asyncssh.Error) as error:
                self._clients.pop(host, None)
                raise unavailable(host) from error

    async def _client(self, host: HostAddress, connection: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
        known = self._clients.get(host)
        if known is None or known[0] is not connection:
            known = (connection, await connection.start_sftp_client())
            self._clients[host] = known
        return known[1]

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=run_and_close, args=(self._loop,), name="host-files", daemon=True).start()
            return self._loop

    def close(self) -> None:
        with self._starting:
            loop, self._loop = self._loop, None
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self._connections.close(), loop).result(self._timeout_s)
            loop.call_soon_threadsafe(loop.stop)


def run_and_close(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


async def read_tail(sftp: asyncssh.SFTPClient, path: str, most: int) -> bytes | None:
    try:
        async with sftp.open(path, "rb") as file:
            size = (await file.stat()).size or 0
            data: bytes = await file.read(most, offset=max(0, size - most))
            return data
    except asyncssh.SFTPNoSuchFile:
        return None


async def list_names(sftp: asyncssh.SFTPClient, folder: str) -> list[str]:
    try:
        return sorted(str(name) for name in await sftp.listdir(folder) if name not in (".", ".."))
    except asyncssh.SFTPNoSuchFile:
        return []


async def measure(sftp: asyncssh.SFTPClient, folder: str) -> Space:
    seen = await sftp.statvfs(folder)
    return Space(seen.blocks * seen.frsize // MIB, seen.bavail * seen.frsize // MIB)


async def make_private(sftp: asyncssh.SFTPClient, path: str) -> None:
    await sftp.makedirs(path, asyncssh.SFTPAttrs(permissions=0o700), exist_ok=True)
