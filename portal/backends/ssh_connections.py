"""One kept SSH connection a host inside one event loop: opened when needed and when it broke, closed when idle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from portal.core.errors import N_, HypervisorUnavailable
from portal.interfaces import HostAddress

CONNECT_TIMEOUT_S = 8.0
KEEP_ALIVE_S = 5.0
KEEP_ALIVE_TRIES = 3
IDLE_S = 120.0


def unavailable(host: HostAddress) -> HypervisorUnavailable:
    return HypervisorUnavailable(N_("The host %(host)s does not answer."), host=host.name)


@dataclass
class Line:
    """The connection to one host and how many use it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    connection: asyncssh.SSHClientConnection | None = None
    users: int = 0
    closing: asyncio.TimerHandle | None = None


class SshConnections:
    """One key, host keys strictly from `known_hosts`, and nothing of the user's own SSH settings."""

    def __init__(self, *, ssh_key: Path, known_hosts: Path, idle_s: float = IDLE_S) -> None:
        self._ssh_key = ssh_key
        self._known_hosts = known_hosts
        self._idle_s = idle_s
        self._lines: dict[HostAddress, Line] = {}

    @asynccontextmanager
    async def borrow(self, host: HostAddress) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """The host's connection, which stays open at least until the end of the block."""
        connection = await self.take(host)
        try:
            yield connection
        finally:
            self.give_back(host)

    async def take(self, host: HostAddress) -> asyncssh.SSHClientConnection:
        """Like `borrow`, for who holds it longer than a block: each take needs one `give_back`."""
        line = self._lines.setdefault(host, Line())
        async with line.lock:
            if line.connection is None or line.connection.is_closed():
                line.connection = await self._connect(host)
            line.users += 1
            if line.closing is not None:
                line.closing.cancel()
                line.closing = None
            return line.connection

    def give_back(self, host: HostAddress) -> None:
        line = self._lines.get(host)
        if line is None:
            return
        line.users -= 1
        if line.users == 0:
            line.closing = asyncio.get_running_loop().call_later(self._idle_s, self._close_idle, line)

    def _close_idle(self, line: Line) -> None:
        if line.users == 0 and line.connection is not None:
            line.connection.close()
            line.connection = None

    async def _connect(self, host: HostAddress) -> asyncssh.SSHClientConnection:
        try:
            return await asyncssh.connect(
                host.address,
                host.port,
                username=host.user,
                client_keys=[str(self._ssh_key)],
                known_hosts=str(self._known_hosts),
                config=None,
                agent_path=None,
                preferred_auth="publickey",
                connect_timeout=CONNECT_TIMEOUT_S,
                login_timeout=CONNECT_TIMEOUT_S,
                keepalive_interval=KEEP_ALIVE_S,
                keepalive_count_max=KEEP_ALIVE_TRIES,
            )
        except (OSError, asyncssh.Error, TimeoutError) as error:
            raise unavailable(host) from error

    async def close(self) -> None:
        lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            if line.closing is not None:
                line.closing.cancel()
            if line.connection is not None:
                line.connection.abort()
                await line.connection.wait_closed()
