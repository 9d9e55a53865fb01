"""A small cluster that is not there, for what switches, watches and heals machines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from portal.backends.fake_cluster import FakeCluster, FakeMachine, Trouble
from portal.backends.hypervisor_fake import FakeHypervisor
from portal.backends.playbooks_fake import FakePlaybooks
from portal.interfaces import Power
from portal.models import Vm

BEGIN = 1_000_000.0


@dataclass
class Cluster:
    """The fake hosts with a clock that the test moves."""

    folder: Path
    seconds: float = BEGIN

    def __post_init__(self) -> None:
        self.world = FakeCluster(self.folder, clock=self.clock)
        self.hypervisor = FakeHypervisor(self.folder, clock=self.clock)
        self.playbooks = FakePlaybooks(self.folder, clock=self.clock, machine_s=0.0)

    def clock(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def put(self, vm: Vm, *, host: str = "hv1", power: Power = Power.RUNNING, keep: bool = False) -> None:
        """The machine of this row, on this host, long since booted; with `keep` its snapshots stay."""
        with self.world.world() as world:
            before = world.machines.get(str(vm.id))
        self.put_machine(vm.id, vm.name, host=host, power=power)
        if keep and before is not None:
            with self.world.world() as world:
                world.machines[str(vm.id)].snapshots = before.snapshots

    def put_machine(self, vm_id: UUID, name: str, *, host: str = "hv1", power: Power = Power.RUNNING) -> None:
        with self.world.world() as world:
            world.machines[str(vm_id)] = FakeMachine(str(vm_id), host, name, 1, 1024, None, power=power)

    def power_of(self, vm_id: UUID) -> str | None:
        with self.world.world() as world:
            machine = world.machines.get(str(vm_id))
            return machine.power if machine else None

    def lose(self, vm_id: UUID) -> None:
        with self.world.world() as world:
            del world.machines[str(vm_id)]

    def silence(self, host: str) -> None:
        self.world.trouble(host, Trouble.HOST_DOWN)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path / "fake")
