"""Doors into seats' networks through SSH: unix sockets on the host, behind each a relay into the seat's namespace."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import struct
import time
from collections.abc import Collection, Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncssh
import h11

from portal.backends.host_files_ssh import HostFiles, read_tail
from portal.backends.ssh_connections import unavailable
from portal.core.errors import N_, Invalid
from portal.interfaces import DoorAnswer, HostAddress, SeatReach

SEATS = "/run/vivero/seats"
DOOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
LARGEST_BODY = 64 * 1024
LARGEST_TABLE = 256 * 1024
LOOK_EVERY_S = 0.05
GRACE_S = 9.0  # to open a connection to the host first
ESTABLISHED = "01"
LOOK = Path(__file__).with_name("seat_look_on_host.py")
Way = tuple[asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]]


class SshDoors:
    """Doors (portal/interfaces.py). Safe from several threads."""

    def __init__(self, *, ssh_key: Path, known_hosts: Path) -> None:
        self._files = HostFiles(ssh_key=ssh_key, known_hosts=known_hosts)

    def probe(self, host: HostAddress, seat_id: UUID, door: str, *, timeout_s: float = 3.0) -> bool:
        async def talk(connection: asyncssh.SSHClientConnection, sftp: asyncssh.SFTPClient) -> bool:
            way = await open_door(connection, seat_id, door)
            if way is None:
                return False
            try:
                return await reaches(way[0], sftp, seat_id, door, timeout_s)
            finally:
                way[1].channel.abort()

        return self._files.over(host, talk, timeout_s=timeout_s + GRACE_S)

    def look_in(
        self, host: HostAddress, doors: Mapping[UUID, Collection[str]], *, timeout_s: float = 1.5
    ) -> Mapping[UUID, SeatReach]:
        if not doors:
            return {}
        wanted = {str(seat_id): sorted(names) for seat_id, names in doors.items()}
        order = json.dumps({"doors": wanted, "timeout_s": timeout_s})

        async def talk(
            connection: asyncssh.SSHClientConnection, _sftp: asyncssh.SFTPClient
        ) -> Mapping[UUID, SeatReach]:
            done = await connection.run(f"/usr/bin/python3 -I - {shlex.quote(order)}", input=LOOK.read_text())
            if done.exit_status != 0:
                raise unavailable(host)
            return read_looks(str(done.stdout))

        return self._files.over(host, talk, timeout_s=timeout_s + GRACE_S)

    def get(self, host: HostAddress, seat_id: UUID, door: str, *, path: str, timeout_s: float = 10.0) -> DoorAnswer:
        call = request_bytes(path)

        async def talk(connection: asyncssh.SSHClientConnection, sftp: asyncssh.SFTPClient) -> DoorAnswer:
            way = await open_door(connection, seat_id, door)
            if way is None:
                return DoorAnswer(open=False)
            try:
                return await fetch(way, call, timeout_s)
            finally:
                way[1].channel.abort()

        return self._files.over(host, talk, timeout_s=timeout_s + GRACE_S)

    def close(self) -> None:
        self._files.close()


def read_looks(text: str) -> Mapping[UUID, SeatReach]:
    found: dict[str, dict[str, list[str]]] = json.loads(text)
    return {UUID(key): SeatReach(frozenset(one["silent"]), frozenset(one["open"])) for key, one in found.items()}


async def open_door(connection: asyncssh.SSHClientConnection, seat_id: UUID, door: str) -> Way | None:
    """None where there is no such door."""
    if not DOOR.fullmatch(door):
        return None
    try:
        reader, writer = await connection.open_unix_connection(f"{SEATS}/{seat_id}/door-{door}.sock", encoding=None)
    except asyncssh.ChannelOpenError:
        if connection.is_closed():
            raise
        return None
    return reader, writer


async def reaches(
    reader: asyncssh.SSHReader[bytes], sftp: asyncssh.SFTPClient, seat_id: UUID, door: str, timeout_s: float
) -> bool:
    """The relay lets everybody in and only then tries to reach the machine: it hangs up when it cannot.

    A service that waits for the caller to speak first says nothing, so the namespace's list of connections is asked.
    """
    deadline = time.monotonic() + timeout_s
    reading = asyncio.ensure_future(reader.read(1))
    try:
        while time.monotonic() < deadline:
            if (await asyncio.wait([reading], timeout=LOOK_EVERY_S))[0]:
                return bool(reading.result())
            if await is_connected(sftp, seat_id, door):
                return True
        return False
    finally:
        reading.cancel()


async def is_connected(sftp: asyncssh.SFTPClient, seat_id: UUID, door: str) -> bool:
    place = door_place(await read_tail(sftp, f"{SEATS}/{seat_id}/network.json", LARGEST_TABLE), door)
    pid = (await read_tail(sftp, f"{SEATS}/{seat_id}/dnsmasq.pid", 32) or b"").strip()
    if place is None or not pid.isdigit():
        return False
    table = await read_tail(sftp, f"/proc/{int(pid)}/net/tcp", LARGEST_TABLE)
    return has_connection((table or b"").decode("ascii", "replace"), *place)


def door_place(plan: bytes | None, door: str) -> tuple[str, int] | None:
    try:
        doors: list[Any] = json.loads(plan or b"{}").get("doors", [])
        return next(((str(address), int(port)) for name, address, port in doors if name == door), None)
    except (ValueError, TypeError, AttributeError):
        return None


def has_connection(table: str, address: str, port: int) -> bool:
    """In Linux's list of TCP connections, which writes an address as the number that it is in memory."""
    (number,) = struct.unpack("<I", IPv4Address(address).packed)
    wanted = [f"{number:08X}:{port:04X}", ESTABLISHED]
    return any(line.split()[2:4] == wanted for line in table.splitlines()[1:])


def request_bytes(path: str) -> bytes:
    call = h11.Connection(h11.CLIENT)
    headers = [("Host", "localhost"), ("User-Agent", "Vivero"), ("Accept", "*/*"), ("Connection", "close")]
    try:
        request = call.send(h11.Request(method="GET", target=path.encode("ascii"), headers=headers))
    except (h11.LocalProtocolError, UnicodeEncodeError):
        raise Invalid(N_("This is not a path of a web page."), field="path") from None
    return (request or b"") + (call.send(h11.EndOfMessage()) or b"")


async def fetch(way: Way, call: bytes, timeout_s: float) -> DoorAnswer:
    heard = Heard()
    try:
        async with asyncio.timeout(timeout_s):
            way[1].write(call)
            while not heard.over:
                heard.listen(await way[0].read(65536))
    except TimeoutError:
        return heard.answer()  # what came until now
    return heard.answer()


class Heard:
    """What came out of a door, read as the answer to one GET."""

    def __init__(self) -> None:
        self._connection = h11.Connection(h11.CLIENT)
        self._connection.send(h11.Request(method="GET", target="/", headers=[("Host", "localhost")]))
        self._connection.send(h11.EndOfMessage())
        self._anything = False
        self._status: int | None = None
        self._body = b""
        self.over = False

    def listen(self, data: bytes) -> None:
        self._anything = self._anything or bool(data)
        try:
            self._connection.receive_data(data)
            while not self.over and (event := self._connection.next_event()) is not h11.NEED_DATA:
                self._take(event)
        except h11.RemoteProtocolError:
            self.over = True
        self.over = self.over or not data or len(self._body) >= LARGEST_BODY

    def _take(self, event: object) -> None:
        if isinstance(event, h11.Response):
            self._status = event.status_code
        elif isinstance(event, h11.Data):
            self._body += bytes(event.data)
        else:
            self.over = isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED

    def answer(self) -> DoorAnswer:
        body = self._body[:LARGEST_BODY].decode(errors="replace")
        return DoorAnswer(open=self._anything, status=self._status, body=body)
