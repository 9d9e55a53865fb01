"""Machines' consoles through SSH: QEMU's unix sockets on the host, one connection a host for all of them."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from portal.backends.ssh_connections import SshConnections
from portal.backends.ssh_streams import SshStream, open_socket
from portal.core.errors import N_
from portal.interfaces import ConsoleKind, HostAddress

SOCKETS = "/run/vivero"
SOCKET_NAMES = {ConsoleKind.GRAPHICAL: "vnc.sock", ConsoleKind.SERIAL: "serial.sock"}


class SshConsoles:
    def __init__(self, *, ssh_key: Path, known_hosts: Path) -> None:
        self._connections = SshConnections(ssh_key=ssh_key, known_hosts=known_hosts)

    async def open(self, host: HostAddress, vm_id: UUID, kind: ConsoleKind) -> SshStream:
        missing = N_("The machine does not run. Start it, then open its console.")
        return await open_socket(self._connections, host, f"{SOCKETS}/{vm_id}/{SOCKET_NAMES[kind]}", missing=missing)

    async def close(self) -> None:
        await self._connections.close()
