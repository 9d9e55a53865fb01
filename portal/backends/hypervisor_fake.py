"""Hypervisor without machines, for the simulator and for tests; its machines are those of FakePlaybooks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from portal.backends.fake_cluster import (
    HOST_MEMORY_MIB,
    HOST_VCPUS,
    STORAGE_MIB,
    FakeCluster,
    FakeMachine,
    FakeSnapshot,
)
from portal.backends.fake_guest import only_looks, run_in
from portal.backends.png import png_from_pixels
from portal.backends.snapshot_xml import check_name
from portal.core.errors import N_, Conflict, GuestSilent, NotFound
from portal.interfaces import (
    GuestAnswer,
    HostAddress,
    HostFacts,
    HostLeftovers,
    MachineSeen,
    Power,
    Screenshot,
    SeatTraces,
    Snapshot,
)

WIDTH, HEIGHT, STRIPE = 320, 200, 20
GROUND, LEAF = bytes((18, 59, 42)), bytes((143, 209, 79))
SHUT_DOWN_S = 1.0


class FakeHypervisor:
    """Hypervisor (portal/interfaces.py)."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.cluster = FakeCluster(folder, clock=clock)

    def describe(self, host: HostAddress) -> HostFacts:
        world = self.cluster.look(host)
        here = [machine for machine in world.machines.values() if machine.host == host.name]
        used = sum(machine.memory_mib for machine in here if machine.power == Power.RUNNING)
        free = STORAGE_MIB - len(world.machines) * 1024
        return HostFacts(
            HOST_VCPUS, HOST_MEMORY_MIB, HOST_MEMORY_MIB - used, "qemu", "Simulated", "Simulator", STORAGE_MIB, free
        )

    def machines(self, host: HostAddress) -> list[MachineSeen]:
        here = [machine for machine in self.cluster.look(host).machines.values() if machine.host == host.name]
        return [seen(machine) for machine in here if not machine.seat]

    def machine(self, host: HostAddress, vm_id: UUID) -> MachineSeen:
        return seen(self.cluster.look_at(host, vm_id))

    def start(self, host: HostAddress, vm_id: UUID) -> None:
        with self.cluster.machine(host, vm_id) as machine:
            machine.switch_on(self.cluster.clock())

    def shut_down(self, host: HostAddress, vm_id: UUID) -> None:
        now = self.cluster.clock()
        with self.cluster.machine(host, vm_id) as machine:
            if machine.listens(now):
                machine.shuts_down_at = now + SHUT_DOWN_S

    def power_off(self, host: HostAddress, vm_id: UUID) -> None:
        with self.cluster.machine(host, vm_id) as machine:
            machine.switch_off(self.cluster.clock())

    def reboot(self, host: HostAddress, vm_id: UUID) -> None:
        now = self.cluster.clock()
        with self.cluster.machine(host, vm_id) as machine:
            check_running(machine)
            machine.switch_off(now)
            machine.switch_on(now)

    def agent_answers(self, host: HostAddress, vm_id: UUID) -> bool:
        return self.cluster.look_at(host, vm_id).is_ready(self.cluster.clock())

    def serial_log(self, host: HostAddress, vm_id: UUID) -> str:
        return self.cluster.look_at(host, vm_id).printed(self.cluster.clock())

    def screenshot(self, host: HostAddress, vm_id: UUID) -> Screenshot:
        machine = self.cluster.look_at(host, vm_id)
        check_running(machine)
        return Screenshot(picture(int(self.cluster.clock() - machine.started_at)))

    def snapshots(self, host: HostAddress, vm_id: UUID) -> list[Snapshot]:
        kept = self.cluster.look_at(host, vm_id).snapshots
        return [Snapshot(s.name, s.description, datetime.fromtimestamp(s.taken_at, UTC)) for s in kept]

    def take_snapshot(self, host: HostAddress, vm_id: UUID, *, name: str, description: str) -> None:
        check_name(name)
        with self.cluster.machine(host, vm_id) as machine:
            if any(snapshot.name == name for snapshot in machine.snapshots):
                raise Conflict(N_("There is already a snapshot with this name."))
            machine.snapshots.append(FakeSnapshot(name, description, self.cluster.clock(), machine.power))

    def revert_snapshot(self, host: HostAddress, vm_id: UUID, *, name: str) -> None:
        now = self.cluster.clock()
        with self.cluster.machine(host, vm_id) as machine:
            if find(machine, name).power == Power.RUNNING:
                machine.switch_on(now)
            else:
                machine.switch_off(now)

    def delete_snapshot(self, host: HostAddress, vm_id: UUID, *, name: str) -> None:
        with self.cluster.machine(host, vm_id) as machine:
            machine.snapshots.remove(find(machine, name))

    def leftovers(self, host: HostAddress) -> HostLeftovers:
        machines = [machine for machine in self.cluster.look(host).machines.values() if not machine.seat]
        reserved = frozenset(UUID(machine.vm_id) for machine in machines if machine.address)
        return HostLeftovers(frozenset(UUID(machine.vm_id) for machine in machines), reserved)

    def run_in_guest(self, host: HostAddress, vm_id: UUID, command: Sequence[str], *, timeout_s: float) -> GuestAnswer:
        machine = self.cluster.look_at(host, vm_id)
        if not machine.is_ready(self.cluster.clock()):
            raise GuestSilent(N_("The machine's agent does not answer."))
        if only_looks(command):
            return run_in(self.cluster.seen(), machine, command)
        with self.cluster.world() as world:
            return run_in(world, world.machines[str(vm_id)], command)

    def seat_traces(self, host: HostAddress) -> SeatTraces:
        world = self.cluster.look(host)
        machines = {UUID(m.seat) for m in world.machines.values() if m.seat and m.host == host.name}
        here = frozenset(UUID(seat.seat_id) for seat in world.seats.values() if seat.host == host.name)
        everywhere = frozenset(UUID(seat_id) for seat_id in world.seats)
        return SeatTraces(frozenset(machines), folders=everywhere, namespaces=here, sockets=here)

    def running(self, host: HostAddress) -> frozenset[UUID]:
        with self.cluster.host(host) as world:
            here = [one for one in world.machines.values() if one.host == host.name and one.power == Power.RUNNING]
        return frozenset(UUID(machine.vm_id) for machine in here)

    def close(self) -> None:
        """Nothing is kept open."""


def seen(machine: FakeMachine) -> MachineSeen:
    power = Power(machine.power)
    ours = not machine.seat
    return MachineSeen(UUID(machine.vm_id), machine.name, power, machine.vcpus, machine.memory_mib, ours=ours)


def check_running(machine: FakeMachine) -> None:
    if machine.power != Power.RUNNING:
        raise Conflict(N_("The machine does not run."))


def find(machine: FakeMachine, name: str) -> FakeSnapshot:
    for snapshot in machine.snapshots:
        if snapshot.name == name:
            return snapshot
    raise NotFound(N_("There is no such snapshot."))


def picture(seconds: int) -> bytes:
    """A leaf-green stripe that falls as time goes by."""
    top = seconds * STRIPE % HEIGHT
    rows = (LEAF if top <= row < top + STRIPE else GROUND for row in range(HEIGHT))
    return png_from_pixels(WIDTH, HEIGHT, b"".join(colour * WIDTH for colour in rows))
