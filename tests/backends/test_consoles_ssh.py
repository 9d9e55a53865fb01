"""Consoles of real machines through SSH."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from portal.backends.consoles_ssh import SshConsoles
from portal.core.errors import HypervisorUnavailable, MachineMissing
from portal.interfaces import ConsoleKind, HostAddress
from portal.minicluster import Inventory
from tests.backends.conftest import Cluster

pytestmark = [pytest.mark.minicluster, pytest.mark.root]
PATIENCE_S = 20


@pytest.fixture
def vm_id(real_cluster: Cluster) -> UUID:
    order = real_cluster.order()
    assert real_cluster.clone(order).machines[order.vm_id].ok
    return order.vm_id


def with_consoles(inventory: Inventory, use: Callable[[SshConsoles], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE_S), opened(inventory) as consoles:
            await use(consoles)

    asyncio.run(main())


@asynccontextmanager
async def opened(inventory: Inventory) -> AsyncIterator[SshConsoles]:
    consoles = SshConsoles(ssh_key=inventory.ssh_key, known_hosts=inventory.known_hosts)
    try:
        yield consoles
    finally:
        await consoles.close()


def test_the_graphical_console_speaks_rfb(minicluster: Inventory, vm_id: UUID) -> None:
    async def use(consoles: SshConsoles) -> None:
        stream = await consoles.open(minicluster.hosts[0], vm_id, ConsoleKind.GRAPHICAL)
        assert await stream.read() == b"RFB 003.008\n"
        await stream.write(b"RFB 003.008\n")
        assert await stream.read() == b"\x01\x01"  # one way to log in: none, for who came through SSH
        await stream.close()

    with_consoles(minicluster, use)


def test_closing_ends_a_waiting_read(minicluster: Inventory, vm_id: UUID) -> None:
    async def use(consoles: SshConsoles) -> None:
        stream = await consoles.open(minicluster.hosts[0], vm_id, ConsoleKind.SERIAL)
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0)
        await stream.close()
        await stream.close()
        assert await reading == b""

    with_consoles(minicluster, use)


def test_a_console_ends_when_its_machine_is_switched_off(
    minicluster: Inventory, real_cluster: Cluster, vm_id: UUID
) -> None:
    async def use(consoles: SshConsoles) -> None:
        stream = await consoles.open(minicluster.hosts[0], vm_id, ConsoleKind.GRAPHICAL)
        await stream.read()
        await asyncio.to_thread(real_cluster.hypervisor.power_off, minicluster.hosts[0], vm_id)
        assert await stream.read() == b""
        with pytest.raises(MachineMissing):
            await consoles.open(minicluster.hosts[0], vm_id, ConsoleKind.GRAPHICAL)

    with_consoles(minicluster, use)


def test_a_machine_that_is_not_there_has_no_console(minicluster: Inventory) -> None:
    async def use(consoles: SshConsoles) -> None:
        with pytest.raises(MachineMissing):
            await consoles.open(minicluster.hosts[0], uuid4(), ConsoleKind.SERIAL)

    with_consoles(minicluster, use)


def test_a_host_that_is_not_there_does_not_answer(minicluster: Inventory) -> None:
    async def use(consoles: SshConsoles) -> None:
        with pytest.raises(HypervisorUnavailable):
            await consoles.open(HostAddress("gone", "127.0.0.1", port=1), uuid4(), ConsoleKind.SERIAL)

    with_consoles(minicluster, use)
