"""What the cluster can carry and what is promised already, host by host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.lifecycle import HostState
from portal.core.placement import HostRoom, host_limit, usable
from portal.core.quota import Amount
from portal.models import Claim, Host


@dataclass(frozen=True)
class HostLoad:
    """A host with what it may carry, what is claimed on it, and how many machines that is."""

    host: Host
    claimed: Amount
    total: Amount
    vms: int
    usable: bool  # takes new machines: active and without trouble

    @property
    def free(self) -> Amount:
        return self.total - self.claimed


@dataclass(frozen=True)
class Capacity:
    """`claimed` counts what is asked for and not placed yet too, but nothing on hosts that take no machines: they stand
    in no total either. Disk is of the cabinet, so of all. `free_with_reserve` spares the largest hosts.
    """

    total: Amount
    claimed: Amount
    free: Amount
    free_with_reserve: Amount
    hosts: tuple[HostLoad, ...]

    def fits(self, wanted: Amount) -> bool:
        room = self.free_with_reserve
        return wanted.vcpus <= room.vcpus and wanted.memory_mib <= room.memory_mib and wanted.disk_gib <= room.disk_gib


def cluster(db: Session, *, reserve_hosts: int = 1) -> Capacity:
    """The whole cluster, as the decision card and the page of hosts show it."""
    claims = claimed_by_host(db)
    loads = tuple(load_of(host, claims.get(host.id, Amount())) for host in hosts_in_order(db))
    rooms = [room_of(load) for load in loads if load.usable]
    disk = max((load.host.disk_gib for load in loads), default=0)  # one cabinet, seen by every host
    counted = [load.claimed for load in loads if load.usable] + [claims.get(None, Amount())]
    claimed = replace(sum(counted, Amount()), disk_gib=sum(amount.disk_gib for amount in claims.values()))
    total = sum((room.limit for room in rooms), Amount(disk_gib=disk))
    kept = usable(rooms, reserve_hosts) + Amount(disk_gib=disk)
    return Capacity(total, claimed, without_count(total - claimed), without_count(kept - claimed), loads)


def without_count(amount: Amount) -> Amount:
    """Machines are not limited in number by the cluster, only by what they take."""
    return Amount(0, amount.vcpus, amount.memory_mib, amount.disk_gib)


def hosts_in_order(db: Session) -> list[Host]:
    return list(db.scalars(select(Host).order_by(Host.name)))


def lock_hosts(db: Session) -> None:
    """Until the transaction ends nobody else decides by what the hosts still can carry."""
    db.execute(select(Host.id).order_by(Host.id).with_for_update())


def load_of(host: Host, claimed: Amount) -> HostLoad:
    total = host_limit(
        vcpus=host.vcpus,
        memory_mib=host.memory_mib,
        cpu_overcommit=host.cpu_overcommit,
        reserved_memory_mib=host.reserved_memory_mib,
    )
    takes_new = host.state == HostState.ACTIVE and not host.trouble
    return HostLoad(host, claimed, total, claimed.machines, takes_new)


def room_of(load: HostLoad) -> HostRoom:
    """Disk is the cabinet's affair and counted once for the cluster."""
    taken = Amount(load.claimed.machines, load.claimed.vcpus, load.claimed.memory_mib)
    return HostRoom(load.host.id, load.host.name, load.total, taken)


def claimed_by_host(db: Session) -> dict[UUID | None, Amount]:
    """The claims added up; the key None holds those that have no host yet."""
    query = select(
        Claim.host_id,
        func.count(),
        func.sum(Claim.vcpus),
        func.sum(Claim.memory_mib),
        func.sum(Claim.disk_gib),
    ).group_by(Claim.host_id)
    return {row[0]: Amount(*(int(value) for value in row[1:])) for row in db.execute(query)}
