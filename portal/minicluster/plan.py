"""What a minicluster consists of: names, numbers and paths, decided once and kept in the state directory."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path

from portal.core.errors import N_, Invalid

MOST_HOSTS = 30
UNITS = range(15)  # clusters side by side on one machine, each with its own addresses
STORAGE_DIR = "/srv/vivero"


@dataclass(frozen=True)
class HostPlan:
    """One host: `number` counts from 1. Interface names end in m (management) and d (department)."""

    number: int
    unit: int
    cluster_id: str
    disk: Path

    @property
    def name(self) -> str:
        return f"hv{self.number}"

    @property
    def address(self) -> str:
        return f"10.77.{self.unit}.{10 + self.number}"

    @property
    def links(self) -> tuple[str, str]:
        return f"vv{self.unit}h{self.number}m", f"vv{self.unit}h{self.number}d"

    @property
    def pid_file(self) -> Path:
        return self.disk.parent / "pid"

    @property
    def uuid(self) -> uuid.UUID:
        return uuid.uuid5(uuid.UUID(self.cluster_id), self.name)


@dataclass(frozen=True)
class ClusterPlan:
    """Kept as `cluster.json`, written before anything is made, so that `down` always knows what to look for."""

    state_dir: Path
    cluster_id: str
    unit: int
    hosts_count: int
    owner: str = ""  # "pid start-time" of the process whose death makes the cluster an orphan

    @property
    def hosts(self) -> tuple[HostPlan, ...]:
        numbers = range(1, self.hosts_count + 1)
        folder = self.state_dir / "hosts"
        return tuple(HostPlan(n, self.unit, self.cluster_id, folder / f"hv{n}" / "disk") for n in numbers)

    @property
    def alias(self) -> str:
        """Written on every interface of ours, so that nothing of others is ever removed."""
        return f"vivero minicluster {self.cluster_id}"

    @property
    def management_bridge(self) -> str:
        return f"vv{self.unit}-mgmt"

    @property
    def department_bridge(self) -> str:
        return f"vv{self.unit}-dept"

    @property
    def management_network(self) -> IPv4Network:
        return IPv4Network(f"10.77.{self.unit}.0/24")

    @property
    def department_network(self) -> IPv4Network:
        return IPv4Network(f"10.77.{16 * (self.unit + 1)}.0/20")

    @property
    def department_gateway(self) -> str:
        return str(self.department_network[1])

    @property
    def cabinet(self) -> Path:
        return self.state_dir / "cabinet"

    @property
    def ssh_key(self) -> Path:
        return self.state_dir / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.state_dir / "ssh" / "known_hosts"

    @property
    def inventory(self) -> Path:
        return self.state_dir / "inventory.json"

    @property
    def dhcp_pid_file(self) -> Path:
        return self.state_dir / "dhcp" / "pid"


def plan_file(state_dir: Path) -> Path:
    return state_dir / "cluster.json"


def new_plan(state_dir: Path, *, unit: int, hosts: int, owner: str) -> ClusterPlan:
    return ClusterPlan(state_dir, str(uuid.uuid4()), unit, hosts, owner)


def check_count(hosts: int) -> None:
    if not 1 <= hosts <= MOST_HOSTS:
        raise Invalid(N_("A minicluster has 1 to %(most)s hosts."), most=MOST_HOSTS)


def save_plan(plan: ClusterPlan) -> None:
    """Replace the file in one move, so that it is always whole."""
    values = asdict(plan)
    values.pop("state_dir")
    draft = plan_file(plan.state_dir).with_suffix(".new")
    draft.write_text(json.dumps(values) + "\n")
    draft.rename(plan_file(plan.state_dir))


def load_plan(state_dir: Path) -> ClusterPlan | None:
    """None when no minicluster was brought up from here."""
    try:
        values = json.loads(plan_file(state_dir).read_text())
    except FileNotFoundError:
        return None
    return ClusterPlan(state_dir=state_dir, **values)
