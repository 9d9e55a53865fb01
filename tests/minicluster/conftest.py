"""Guests for the minicluster's own tests: QEMU's network boot ROM asks for an address, no disk needed."""

from __future__ import annotations

import shlex

import pytest

from portal.interfaces import HostAddress
from portal.minicluster import Inventory
from tests.minicluster.fixtures import run_on_host

GUEST = """\
<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='network'/></os>
<devices><interface type='network'><source network='{network}'/><mac address='{mac}'/><model type='virtio'/>
</interface></devices></domain>
"""


class Guests:
    """Starts guests that boot from the network; each is a domain that vanishes when it is destroyed."""

    def start(
        self,
        inventory: Inventory,
        host: HostAddress,
        name: str,
        *,
        mac: str = "52:54:00:00:00:01",
        network: str = "vivero-department",
    ) -> None:
        definition = GUEST.format(name=name, mac=mac, network=network)
        run_on_host(inventory, host, "virsh -q create /dev/stdin", stdin=definition)

    def destroy(self, inventory: Inventory, host: HostAddress, name: str) -> None:
        run_on_host(inventory, host, f"virsh -q destroy {shlex.quote(name)}")


@pytest.fixture
def guests() -> Guests:
    return Guests()
