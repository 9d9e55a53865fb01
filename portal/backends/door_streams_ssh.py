"""Doors of seats through SSH: each is a unix socket on the host, which leads into the seat's own network.

They have a connection of their own on each host, so that a large download through a door never holds up a console.
"""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

from portal.backends.ssh_connections import SshConnections
from portal.backends.ssh_streams import SshStream, open_socket
from portal.core.errors import N_, MachineMissing
from portal.interfaces import HostAddress

SOCKETS = "/run/vivero/seats"
DOOR = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")  # it becomes part of a path
CLOSED = N_("Nothing answers behind this door.")


class SshDoorStreams:
    def __init__(self, *, ssh_key: Path, known_hosts: Path) -> None:
        self._connections = SshConnections(ssh_key=ssh_key, known_hosts=known_hosts)

    async def open(self, host: HostAddress, seat_id: UUID, door: str) -> SshStream:
        if not DOOR.fullmatch(door):
            raise MachineMissing(CLOSED)
        return await open_socket(self._connections, host, f"{SOCKETS}/{seat_id}/door-{door}.sock", missing=CLOSED)

    async def close(self) -> None:
        await self._connections.close()
