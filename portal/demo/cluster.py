"""Where the demo's machines run: the minicluster, or the simulator that needs no root."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from portal.interfaces import HostAddress
from portal.minicluster import Minicluster

Say = Callable[[str], None]


@dataclass(frozen=True)
class Ground:
    """What a portal must know of the ground under it."""

    hosts: tuple[HostAddress, ...]
    environ: Mapping[str, str]


class Cluster(Protocol):
    def up(self, say: Say) -> Ground: ...

    def down(self) -> None: ...


class RealCluster:
    """Three hypervisor hosts in namespaces. Machines of an earlier demo are gone; built templates are kept."""

    def __init__(self, state_dir: Path) -> None:
        self.minicluster = Minicluster(state_dir)
        self.cabinet = state_dir / "cabinet"

    def up(self, say: Say) -> Ground:
        self.minicluster.down()
        self.clear()
        inventory = self.minicluster.up(hosts=3, owner_pid=os.getpid(), progress=say)
        return Ground(
            hosts=inventory.hosts,
            environ={
                "VIVERO_SSH_KEY": str(inventory.ssh_key),
                "VIVERO_SSH_KNOWN_HOSTS": str(inventory.known_hosts),
                "VIVERO_STORAGE_DIR": inventory.storage_dir,
                "VIVERO_CABINET": str(inventory.cabinet),
                "VIVERO_DEPARTMENT_NETWORK": inventory.department_network,
                "VIVERO_DEPARTMENT_GATEWAY": inventory.department_gateway,
            },
        )

    def down(self) -> None:
        self.minicluster.down()
        self.clear()

    def clear(self) -> None:
        for folder in ("vms", "dhcp", "fences"):
            shutil.rmtree(self.cabinet / folder, ignore_errors=True)


class Simulator:
    """The fakes: hosts and machines are a file in var/."""

    def __init__(self, var: Path) -> None:
        self.var = var

    def up(self, say: Say) -> Ground:
        hosts = tuple(HostAddress(f"hv{number}", f"sim-hv{number}") for number in (1, 2, 3))
        return Ground(
            hosts=hosts,
            environ={"VIVERO_HYPERVISOR": "fake", "VIVERO_PLAYBOOKS": "fake", "VIVERO_SIMULATOR": "true"},
        )

    def down(self) -> None:
        """Nothing runs outside of the server and the worker."""
