"""A hypervisor that keeps machines in memory, for pages that switch, look at and snapshot them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from portal.core.errors import HypervisorUnavailable
from portal.interfaces import HostAddress, MachineSeen, Power, Screenshot, Snapshot
from tests.factories.moments import NOW

SILENCED = {"describe", "machines", "machine", "start", "shut_down", "power_off", "reboot", "screenshot", "snapshots"}
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class KeptMachines:
    power: dict[UUID, Power] = field(default_factory=dict)
    kept: dict[UUID, list[Snapshot]] = field(default_factory=dict)
    silent: bool = False

    def add(self, vm_id: UUID, _name: str) -> None:
        self.power[vm_id] = Power.RUNNING
        self.kept[vm_id] = []

    def __getattribute__(self, name: str) -> Any:
        if name in SILENCED and self.silent:
            raise HypervisorUnavailable("The host does not answer.")
        return super().__getattribute__(name)

    def machine(self, _host: HostAddress, vm_id: UUID) -> MachineSeen:
        return MachineSeen(vm_id, "machine", self.power[vm_id], 1, 1024, ours=True)

    def start(self, _host: HostAddress, vm_id: UUID) -> None:
        self.power[vm_id] = Power.RUNNING

    def shut_down(self, _host: HostAddress, vm_id: UUID) -> None:
        self.power[vm_id] = Power.OFF

    def power_off(self, _host: HostAddress, vm_id: UUID) -> None:
        self.power[vm_id] = Power.OFF

    def reboot(self, _host: HostAddress, vm_id: UUID) -> None:
        self.power[vm_id] = Power.RUNNING

    def screenshot(self, _host: HostAddress, _vm_id: UUID) -> Screenshot:
        return Screenshot(PNG)

    def snapshots(self, _host: HostAddress, vm_id: UUID) -> list[Snapshot]:
        return list(self.kept[vm_id])

    def take_snapshot(self, _host: HostAddress, vm_id: UUID, *, name: str, description: str) -> None:
        self.kept[vm_id].append(Snapshot(name, description, NOW))

    def revert_snapshot(self, _host: HostAddress, vm_id: UUID, *, name: str) -> None:
        assert name in {snapshot.name for snapshot in self.kept[vm_id]}

    def delete_snapshot(self, _host: HostAddress, vm_id: UUID, *, name: str) -> None:
        self.kept[vm_id] = [snapshot for snapshot in self.kept[vm_id] if snapshot.name != name]
