"""What others need to reach the minicluster, as a file (`inventory.json`) and as a frozen value."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from portal.interfaces import HostAddress
from portal.minicluster.plan import STORAGE_DIR, ClusterPlan


@dataclass(frozen=True)
class Inventory:
    """`storage_dir` is the cabinet as the hosts see it, `cabinet` the same folder on this machine."""

    hosts: tuple[HostAddress, ...]
    ssh_key: Path
    known_hosts: Path
    storage_dir: str
    department_network: str
    department_gateway: str
    cabinet: Path


def take_inventory(plan: ClusterPlan) -> Inventory:
    return Inventory(
        hosts=tuple(HostAddress(host.name, host.address) for host in plan.hosts),
        ssh_key=plan.ssh_key,
        known_hosts=plan.known_hosts,
        storage_dir=STORAGE_DIR,
        department_network=str(plan.department_network),
        department_gateway=plan.department_gateway,
        cabinet=plan.cabinet,
    )


def write_inventory(inventory: Inventory, path: Path) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(inventory), default=str, indent=2) + "\n")
    draft.rename(path)


def read_inventory(path: Path) -> Inventory:
    values = json.loads(path.read_text())
    paths = {name: Path(values[name]) for name in ("ssh_key", "known_hosts", "cabinet")}
    hosts = tuple(HostAddress(**host) for host in values["hosts"])
    return Inventory(**{**values, **paths, "hosts": hosts})
