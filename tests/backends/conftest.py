"""A cluster for the shared tests: the one that is not there, and the real one, told apart by nothing but their name."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from portal.backends.hypervisor_fake import FakeHypervisor
from portal.backends.playbooks_fake import FakePlaybooks
from portal.config import ROOT
from portal.interfaces import (
    Hardware,
    HostAddress,
    Hypervisor,
    Json,
    MachineOrder,
    PlaybookLine,
    PlaybookResult,
    PlaybookRun,
    PlaybookRunner,
)
from portal.minicluster import Inventory

TEMPLATE = "templates/empty/v1.qcow2"


@dataclass
class Cluster:
    """Makes machines through playbooks and shows them through the hypervisor; takes all of them away at the end."""

    hosts: tuple[HostAddress, ...]
    hypervisor: Hypervisor
    playbooks: PlaybookRunner
    storage_dir: str
    folder: Path
    token: int = 1
    lines: list[PlaybookLine] = field(default_factory=list)
    made: list[tuple[HostAddress, UUID]] = field(default_factory=list)
    count: int = 0

    @property
    def host(self) -> HostAddress:
        return self.hosts[0]

    def order(self, **changes: object) -> MachineOrder:
        self.count += 1
        number = self.count
        values: dict[str, object] = {
            "vm_id": uuid4(),
            "name": f"contract-{uuid4().hex[:8]}",
            "owner": "Ada",
            "template_disk": TEMPLATE,
            "linked": True,
            "vcpus": 1,
            "memory_mib": 32,
            "disk_gib": 1,
            "hardware": Hardware(),
            "network": "isolated",
            "mac": f"52:54:00:c0:00:{number:02x}",
            "address": f"10.77.31.{200 + number}",
            "personalisation": "cloud-init",
        }
        return MachineOrder(**{**values, **changes})  # type: ignore[arg-type]

    def clone(self, *orders: MachineOrder, host: HostAddress | None = None, start: bool = True) -> PlaybookResult:
        host = host or self.host
        self.made += [(host, order.vm_id) for order in orders]
        variables: dict[str, Json] = {"clone_vms_storage_dir": self.storage_dir, "clone_vms_start": start}
        return self.run("clone_vms", host, [as_json(order) for order in orders], variables)

    def retire(self, *vm_ids: UUID, host: HostAddress | None = None) -> PlaybookResult:
        machines: list[Json] = [{"vm_id": str(vm_id)} for vm_id in vm_ids]
        return self.run("retire_vms", host or self.host, machines, {"retire_vms_storage_dir": self.storage_dir})

    def run(self, playbook: str, host: HostAddress, machines: list[Json], variables: dict[str, Json]) -> PlaybookResult:
        fencing: dict[str, Json] = {str(m["vm_id"]): {"token": self.token} for m in machines if isinstance(m, dict)}
        run = PlaybookRun(
            playbook, (host,), {**variables, "fencing": fencing}, {host.name: {f"{playbook}_machines": machines}}
        )
        return self.playbooks.run(run, on_line=self.lines.append)

    def take_all_away(self) -> None:
        self.token = 10**6
        for host in {host for host, _ in self.made}:
            self.retire(*{vm_id for known, vm_id in self.made if known == host}, host=host)


def as_json(order: MachineOrder) -> Json:
    return {**asdict(order), "vm_id": str(order.vm_id)}


@pytest.fixture
def fake_cluster(tmp_path: Path) -> Cluster:
    hosts = tuple(HostAddress(f"hv{n}", f"10.77.0.{10 + n}") for n in (1, 2, 3))
    return Cluster(hosts, FakeHypervisor(tmp_path), FakePlaybooks(tmp_path, machine_s=0), "/srv/vivero", tmp_path)


@pytest.fixture
def real_cluster(minicluster: Inventory) -> Iterator[Cluster]:
    """An empty disk as template: these tests ask what the host does, not what a guest does."""
    libvirt = pytest.importorskip("portal.backends.hypervisor_libvirt")
    ansible = pytest.importorskip("portal.backends.playbooks_ansible")
    template = minicluster.cabinet / TEMPLATE
    template.parent.mkdir(parents=True, exist_ok=True)
    if not template.exists():
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(template), "16M"], check=True)
    ssh = {"ssh_key": minicluster.ssh_key, "known_hosts": minicluster.known_hosts}
    hypervisor = libvirt.LibvirtHypervisor(**ssh, storage_dir=minicluster.storage_dir)
    playbooks = ansible.AnsiblePlaybooks(**ssh, playbooks_dir=ROOT / "playbooks")
    cluster = Cluster(minicluster.hosts, hypervisor, playbooks, minicluster.storage_dir, minicluster.cabinet)
    try:
        yield cluster
    finally:
        cluster.take_all_away()
        playbooks.close()
        hypervisor.close()


@pytest.fixture(params=["fake", pytest.param("real", marks=[pytest.mark.minicluster, pytest.mark.root])])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    found: Cluster = request.getfixturevalue(f"{request.param}_cluster")
    return found
