"""Which host carries which machine: spread evenly, never above a host's limit, one host's worth kept in reserve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from portal.core.errors import N_, NoCapacity
from portal.core.quota import Amount


@dataclass(frozen=True)
class HostRoom:
    """A host that may take machines. `limit` is what claims may add up to, `taken` what they add up to now.

    Disks lie in the shared cabinet, so a host has no limit for them: `limit.disk_gib` and `taken.disk_gib` are 0.
    """

    id: UUID
    name: str
    limit: Amount
    taken: Amount

    @property
    def free(self) -> Amount:
        return self.limit - self.taken

    def fits(self, machine: Amount) -> bool:
        free = self.free
        return machine.vcpus <= free.vcpus and machine.memory_mib <= free.memory_mib

    def with_machine(self, machine: Amount) -> HostRoom:
        return replace(self, taken=self.taken + machine)

    def load_with(self, machine: Amount) -> float:
        """How full the host would be, by its scarcer measure; 1.0 is full."""
        after = self.taken + machine
        return max(after.memory_mib / max(self.limit.memory_mib, 1), after.vcpus / max(self.limit.vcpus, 1))


def host_limit(*, vcpus: int, memory_mib: int, cpu_overcommit: float, reserved_memory_mib: int) -> Amount:
    """What the claims on a host may add up to: processors may be promised several times over, memory never."""
    return Amount(vcpus=int(vcpus * cpu_overcommit), memory_mib=max(memory_mib - reserved_memory_mib, 0))


def usable(rooms: Sequence[HostRoom], reserve_hosts: int) -> Amount:
    """What all hosts may carry together if the `reserve_hosts` largest of them can fail. One host always counts."""
    spared = min(reserve_hosts, max(len(rooms) - 1, 0))
    memory = sorted(room.limit.memory_mib for room in rooms)
    vcpus = sorted(room.limit.vcpus for room in rooms)
    kept = len(rooms) - spared
    return Amount(vcpus=sum(vcpus[:kept]), memory_mib=sum(memory[:kept]))


def taken(rooms: Sequence[HostRoom]) -> Amount:
    return sum((room.taken for room in rooms), Amount())


def place(
    machines: Mapping[UUID, Amount], rooms: Sequence[HostRoom], *, reserve_hosts: int, disk_free_gib: int
) -> dict[UUID, UUID]:
    """Give each machine a host, the emptiest that has room. Raises NoCapacity unless all of them find one.

    The same machines and hosts always give the same answer.
    """
    wanted = sum(machines.values(), Amount())
    if wanted.disk_gib > disk_free_gib:
        raise NoCapacity(
            N_("The shared storage has %(free)s GB left, these machines need %(wanted)s GB."),
            free=max(disk_free_gib, 0),
            wanted=wanted.disk_gib,
        )
    if not rooms:
        raise NoCapacity(N_("No host can take new machines at the moment. An administrator can see why on “Hosts”."))
    check_reserve(wanted, rooms, reserve_hosts)
    chosen: dict[UUID, UUID] = {}
    state = {room.id: room for room in rooms}
    # the largest machines first: a small one still fits in what they leave
    for vm_id in sorted(machines, key=lambda vm_id: (-machines[vm_id].memory_mib, -machines[vm_id].vcpus, vm_id)):
        room = emptiest(machines[vm_id], list(state.values()))
        chosen[vm_id] = room.id
        state[room.id] = room.with_machine(machines[vm_id])
    return chosen


def check_reserve(wanted: Amount, rooms: Sequence[HostRoom], reserve_hosts: int) -> None:
    room_left = usable(rooms, reserve_hosts) - taken(rooms)
    if wanted.memory_mib > room_left.memory_mib or wanted.vcpus > room_left.vcpus:
        raise NoCapacity(
            N_(
                "The cluster is full: these machines need %(memory)s MB of memory and %(vcpus)s processors, "
                "and %(memory_left)s MB and %(vcpus_left)s are left beside the reserve for a failing host."
            ),
            memory=wanted.memory_mib,
            vcpus=wanted.vcpus,
            memory_left=max(room_left.memory_mib, 0),
            vcpus_left=max(room_left.vcpus, 0),
        )


def emptiest(machine: Amount, rooms: Sequence[HostRoom]) -> HostRoom:
    fitting = [room for room in rooms if room.fits(machine)]
    if not fitting:
        raise NoCapacity(
            N_("No single host has room for a machine with %(memory)s MB of memory and %(vcpus)s processors."),
            memory=machine.memory_mib,
            vcpus=machine.vcpus,
        )
    return min(fitting, key=lambda room: (room.load_with(machine), room.name))
