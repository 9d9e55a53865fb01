"""A class of two-machine seats for the shared tests: saved once, restored three times, all taken away at the end."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from portal.backends.doors_fake import FakeDoors
from portal.backends.doors_ssh import SshDoors
from portal.backends.hypervisor_fake import FakeHypervisor
from portal.backends.hypervisor_libvirt import LibvirtHypervisor
from portal.backends.playbooks_ansible import AnsiblePlaybooks
from portal.backends.playbooks_fake import FakePlaybooks
from portal.backends.template_builds import Workshop, build
from portal.backends.templates_folder import read_template
from portal.config import ROOT
from portal.core.naming import seat_id_for, seat_mac, seat_machine_id_for, seat_machine_name
from portal.core.templates import TemplateSpec
from portal.interfaces import (
    Doors,
    GuestAnswer,
    Hardware,
    HostAddress,
    Hypervisor,
    Json,
    MachineOrder,
    MachineOutcome,
    PlaybookRun,
    PlaybookRunner,
    SeatCard,
    SeatDoor,
    SeatMachineOrder,
    SeatNetwork,
    SeatOrder,
)
from portal.minicluster import Inventory
from tests.minicluster.fixtures import wait_until

DISK = "templates/micro-linux/v1.qcow2"
KEPT = ROOT / "var" / "tests-seats"  # the built micro-linux is kept for the next run
IMAGE = "5ea7" * 8
MACHINES = {"web": "10.10.0.10", "pacs": "10.10.0.11"}


@dataclass
class Classroom:
    host: HostAddress
    hypervisor: Hypervisor
    playbooks: PlaybookRunner
    doors: Doors
    storage_dir: str
    inventory: Inventory | None = None
    session_id: UUID = field(default_factory=uuid4)
    token: int = 1

    def order(self, number: int, **changes: Any) -> SeatOrder:
        """Seat 0 is the one that is saved."""
        seat_id = seat_id_for(self.session_id, number)
        values: dict[str, Any] = {
            "seat_id": seat_id,
            "label": f"class, seat {number}",
            "networks": (SeatNetwork("lan", "10.10.0.0/24", "10.10.0.254"),),
            "machines": tuple(self.machine(seat_id, number, name) for name in MACHINES),
            "doors": (SeatDoor("web", "lan", MACHINES["web"], 80), SeatDoor("shut", "lan", MACHINES["web"], 81)),
        }
        return SeatOrder(**{**values, **changes})

    def machine(self, seat_id: UUID, number: int, name: str) -> SeatMachineOrder:
        return SeatMachineOrder(
            vm_id=seat_machine_id_for(seat_id, name),
            name=seat_machine_name(self.session_id, number, name),
            host_name=name,
            template_disk=DISK,
            vcpus=1,
            memory_mib=128,
            disk_gib=1,
            hardware=Hardware(),
            cards=(SeatCard("lan", seat_mac(list(MACHINES).index(name), 0), MACHINES[name]),),
            personalisation="cloud-init",
        )

    def warm(self, number: int, **changes: Any) -> SeatOrder:
        return self.order(number, image=IMAGE, **changes)

    def make(self, *orders: SeatOrder) -> Mapping[UUID, MachineOutcome]:
        return self.run("make_seats", "seats", [plain(asdict(order)) for order in orders])

    def save(self, order: SeatOrder, image: str) -> MachineOutcome:
        entry = {"seat_id": str(order.seat_id), "label": order.label, "image": image}
        return self.run("save_seats", "images", [entry])[order.seat_id]

    def remove(self, *numbers: int) -> Mapping[UUID, MachineOutcome]:
        ids = [str(seat_id_for(self.session_id, number)) for number in numbers]
        return self.run("remove_seats", "seats", [{"seat_id": seat_id, "label": "", "vm_ids": []} for seat_id in ids])

    def copy_disk(self, source: SeatOrder, order: MachineOrder, *, machine: int = 0) -> MachineOutcome:
        entry: dict[str, Json] = {
            "vm_id": str(order.vm_id), "name": order.name, "disk_gib": order.disk_gib,
            "seat_id": str(source.seat_id), "machine_id": str(source.machines[machine].vm_id),
        }  # fmt: skip
        return self.run("copy_seat_disks", "machines", [entry])[order.vm_id]

    def own_machine(self) -> MachineOrder:
        """In the network of departments, of the same template as the seats' machines."""
        return MachineOrder(
            vm_id=uuid4(), name="own-machine", owner="Ada", template_disk=DISK, linked=True, vcpus=1, memory_mib=128,
            disk_gib=2, hardware=Hardware(), network="department", mac="52:54:00:0a:11:01", address="10.77.30.77",
            personalisation="cloud-init", copied=True,
        )  # fmt: skip

    def clone(self, order: MachineOrder) -> MachineOutcome:
        return self.run("clone_vms", "machines", [plain(asdict(order))])[order.vm_id]

    def retire(self, order: MachineOrder) -> MachineOutcome:
        return self.run("retire_vms", "machines", [{"vm_id": str(order.vm_id)}])[order.vm_id]

    def run(self, playbook: str, name: str, entries: Sequence[Any]) -> Mapping[UUID, MachineOutcome]:
        ids = [entry[key] for entry in entries for key in ("seat_id", "vm_id") if key in entry]
        fencing: Json = {id: {"token": self.token} for id in ids}
        variables: dict[str, Json] = {f"{playbook}_storage_dir": self.storage_dir, "fencing": fencing}
        run = PlaybookRun(playbook, (self.host,), variables, {self.host.name: {f"{playbook}_{name}": entries}})
        result = self.playbooks.run(run)
        assert not result.hosts_failed, result.hosts_failed
        return result.machines

    def drop_image(self) -> None:
        variables: dict[str, Json] = {
            "drop_seat_images_storage_dir": self.storage_dir,
            "drop_seat_images_images": [IMAGE],
        }
        self.playbooks.run(PlaybookRun("drop_seat_images", (self.host,), variables))

    def wait_until_ready(self, *orders: SeatOrder) -> None:
        ids = [machine.vm_id for order in orders for machine in order.machines]
        for vm_id in ids:
            self.wait_until_answers(vm_id)

    def wait_until_answers(self, vm_id: UUID) -> None:
        assert wait_until(lambda: self.hypervisor.agent_answers(self.host, vm_id), timeout_s=90), vm_id

    def die(self, order: SeatOrder) -> None:
        """Its machines end at once, as by a power cut; their files stay."""
        if isinstance(self.hypervisor, FakeHypervisor):
            self.hypervisor.cluster.cut_power(self.host.name, only=str(order.seat_id))
            return
        for machine in order.machines:
            self.hypervisor.power_off(self.host, machine.vm_id)

    def sh(self, order: SeatOrder, script: str, *, machine: int = 0, timeout_s: float = 15) -> GuestAnswer:
        return self.in_guest(order.machines[machine].vm_id, script, timeout_s=timeout_s)

    def in_guest(self, vm_id: UUID, script: str, *, timeout_s: float = 15) -> GuestAnswer:
        return self.hypervisor.run_in_guest(self.host, vm_id, ["/bin/sh", "-c", script], timeout_s=timeout_s)


def plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


@contextmanager
def fake_classroom(folder: Path) -> Iterator[Classroom]:
    past = iter(range(10**9))
    playbooks = FakePlaybooks(folder, machine_s=0, clock=lambda: 10.0 * next(past))  # ten seconds a look: all boots end
    hypervisor, doors = FakeHypervisor(folder), FakeDoors(folder)
    hypervisor.cluster = doors.cluster = playbooks.cluster
    yield Classroom(HostAddress("hv1", "10.77.0.11"), hypervisor, playbooks, doors, "/srv/vivero")


@contextmanager
def real_classroom(inventory: Inventory) -> Iterator[Classroom]:
    ssh = {"ssh_key": inventory.ssh_key, "known_hosts": inventory.known_hosts}
    hypervisor = LibvirtHypervisor(**ssh, storage_dir=inventory.storage_dir)
    playbooks, doors = AnsiblePlaybooks(**ssh, playbooks_dir=ROOT / "playbooks"), SshDoors(**ssh)
    provide_micro_linux(inventory.cabinet, playbooks)
    classroom = Classroom(inventory.hosts[0], hypervisor, playbooks, doors, inventory.storage_dir, inventory)
    try:
        yield classroom
    finally:
        classroom.token = 10**6
        classroom.remove(*range(10))
        classroom.drop_image()
        for part in (playbooks, hypervisor, doors):
            part.close()


def provide_micro_linux(cabinet: Path, runner: PlaybookRunner) -> None:
    roles = ROOT / "playbooks" / "roles"
    spec = read_template(ROOT / "templates_vm" / "micro-linux", roles_dir=roles)
    assert isinstance(spec, TemplateSpec)
    workshop = Workshop(KEPT, KEPT / "cache", roles, runner, clock=lambda: datetime.now(UTC))
    (cabinet / DISK).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(KEPT / build(workshop, spec).version.disk, cabinet / DISK)


def ready_class(classroom: Classroom) -> None:
    """Save seat 0 and restore 1, 2 and 3 from it."""
    golden = classroom.order(0)
    assert classroom.make(golden)[golden.seat_id].ok
    classroom.wait_until_ready(golden)
    assert classroom.save(golden, IMAGE).message == "saved, removed"
    orders = [classroom.warm(number) for number in (1, 2, 3)]
    outcomes = classroom.make(*orders)
    assert all(outcomes[order.seat_id].ok for order in orders), outcomes
    classroom.wait_until_ready(*orders)
