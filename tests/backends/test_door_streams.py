"""Doors of seats: the fake's page, and real sockets on a host through SSH."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncssh
import pytest

from portal.backends.door_streams_fake import FakeDoorStreams
from portal.backends.door_streams_ssh import SshDoorStreams
from portal.core.errors import HypervisorUnavailable, MachineMissing
from portal.interfaces import ConsoleStream, HostAddress
from portal.minicluster import Inventory

HERE = HostAddress("hv1", "127.0.0.1")
GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
ECHO = """
import os, socket, sys
os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("ready", flush=True)
while True:
    line = listener.accept()[0]
    while data := line.recv(65536):
        line.sendall(data)
    line.close()
"""


async def read_until(stream: ConsoleStream, end: bytes) -> bytes:
    got = b""
    while end not in got:
        data = await stream.read()
        assert data
        got += data
    return got


def test_the_fake_answers_one_request_after_the_other() -> None:
    async def scenario() -> None:
        doors = FakeDoorStreams()
        stream = await doors.open(HERE, uuid4(), "server-80")
        for page in (b"one", b"two"):
            await stream.write(GET % page)
            assert b"/" + page in await read_until(stream, b"</html>")
        await doors.close()
        assert await stream.read() == b""

    asyncio.run(scenario())


def test_closed_doors_and_silent_hosts_are_told_apart() -> None:
    async def scenario() -> None:
        doors = FakeDoorStreams()
        doors.closed.add("server-80")
        with pytest.raises(MachineMissing):
            await doors.open(HERE, uuid4(), "server-80")
        doors.unreachable.add("hv1")
        with pytest.raises(HypervisorUnavailable):
            await doors.open(HERE, uuid4(), "server-80")

    asyncio.run(scenario())


@pytest.mark.parametrize("door", ["../serial", "server-80/x", "", "a" * 81, "server-80.sock\0"])
def test_a_name_that_is_no_doors_is_never_asked_of_a_host(door: str, tmp_path: object) -> None:
    async def scenario() -> None:
        doors = SshDoorStreams(ssh_key=__file__, known_hosts=__file__)  # type: ignore[arg-type]
        with pytest.raises(MachineMissing):
            await doors.open(HostAddress("gone", "127.0.0.1", port=1), uuid4(), door)

    asyncio.run(scenario())


@pytest.mark.minicluster
@pytest.mark.root
def test_a_socket_on_the_host_is_reached_and_what_is_not_there_is_said(minicluster: Inventory) -> None:
    host, seat_id = minicluster.hosts[0], uuid4()
    folder = f"/run/vivero/seats/{seat_id}"

    async def scenario() -> None:
        doors = SshDoorStreams(ssh_key=minicluster.ssh_key, known_hosts=minicluster.known_hosts)
        async with (
            asyncio.timeout(30),
            asyncssh.connect(
                host.address,
                host.port,
                username=host.user,
                client_keys=[str(minicluster.ssh_key)],
                known_hosts=str(minicluster.known_hosts),
                config=None,
            ) as connection,
        ):
            echo = await connection.create_process(f"python3 - {folder}/door-server-80.sock", input=ECHO)
            echo.stdin.write_eof()
            await echo.stdout.readline()
            stream = await doors.open(host, seat_id, "server-80")
            await stream.write(b"hello")
            assert await stream.read() == b"hello"
            await stream.close()
            with pytest.raises(MachineMissing):
                await doors.open(host, seat_id, "server-81")
            echo.terminate()
            await connection.run(f"rm -r {folder}")
            await doors.close()

    asyncio.run(scenario())
