"""What the cluster can carry and what is promised already, host by host."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from portal.core.calendar import Ground, peak
from portal.core.lifecycle import HostState, KeepingState
from portal.core.placement import HostRoom, host_limit, usable
from portal.core.quota import Amount
from portal.models import Claim, Host, Keeping, LabSession, SeatMachine
from portal.services.calendar import OPEN, bookings

BEGINNING = datetime.min.replace(tzinfo=UTC)


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
    in no total either. Disk is of the cabinet, so of all. `free_with_reserve` spares the largest hosts and what classes
    will take at most at one moment, `booked`.
    """

    total: Amount
    claimed: Amount
    free: Amount
    free_with_reserve: Amount
    hosts: tuple[HostLoad, ...]
    booked: Amount = Amount()

    def fits(self, wanted: Amount) -> bool:
        room = self.free_with_reserve
        return wanted.vcpus <= room.vcpus and wanted.memory_mib <= room.memory_mib and wanted.disk_gib <= room.disk_gib


def cluster(db: Session, *, reserve_hosts: int = 1, now: datetime | None = None) -> Capacity:
    """The whole cluster, as the decision card and the page of hosts show it.

    Without `now` classes count that are over and were never ended, too.
    """
    claims, classes = claimed_by_host(db), bookings(db, since=now)
    of_classes = claimed_by_classes(db) if classes else {}
    loads = tuple(load_of(host, claims.get(host.id, Amount())) for host in hosts_in_order(db))
    rooms = [room_of(load) for load in loads if load.usable]
    disk = max((load.host.disk_gib for load in loads), default=0)  # one cabinet, seen by every host
    places = {load.host.id for load in loads if load.usable} | {None}
    claimed, seated = added_up(claims, places), added_up(of_classes, places)
    booked = peak(classes, now or BEGINNING)
    total = sum((room.limit for room in rooms), Amount(disk_gib=disk))
    kept = usable(rooms, reserve_hosts) + Amount(disk_gib=disk)
    free_with_reserve = kept - (claimed - seated) - booked  # a class counts as booked, not as claimed again
    return Capacity(total, claimed, without_count(total - claimed), without_count(free_with_reserve), loads, booked)


def added_up(claims: Mapping[UUID | None, Amount], places: Collection[UUID | None]) -> Amount:
    """What is claimed on these hosts; of the cabinet, what is claimed anywhere."""
    there = sum((amount for host_id, amount in claims.items() if host_id in places), Amount())
    return replace(there, disk_gib=sum(amount.disk_gib for amount in claims.values()))


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


SUMS = (func.count(), func.sum(Claim.vcpus), func.sum(Claim.memory_mib), func.sum(Claim.disk_gib))


def claimed_by_host(db: Session) -> dict[UUID | None, Amount]:
    """The claims added up; the key None holds those that have no host yet."""
    return read_sums(db, select(Claim.host_id, *SUMS))


def claimed_by_classes(db: Session) -> dict[UUID | None, Amount]:
    """The part of it that the calendar counts already: seats of classes that are not over, trials, seats that are kept.

    What else a class leaves behind, until it is gone, stands like any machine.
    """
    return read_sums(db, select(Claim.host_id, *SUMS).where(of_calendar()))


def of_calendar() -> ColumnElement[bool]:
    kept = select(SeatMachine.id).join(Keeping, Keeping.seat_id == SeatMachine.seat_id)
    open_ones = select(LabSession.id).where(LabSession.state.in_(OPEN))
    return or_(  # never NULL, so that its opposite is what is left
        and_(Claim.lab_session_id.is_not(None), Claim.lab_session_id.in_(open_ones)),
        Claim.lab_trial_id.is_not(None),
        Claim.vm_id.in_(kept.where(Keeping.state == KeepingState.KEPT)),
    )


def read_sums(db: Session, query: Select[*tuple[Any, ...]]) -> dict[UUID | None, Amount]:
    rows = db.execute(query.group_by(Claim.host_id))
    return {row[0]: Amount(*(int(value) for value in row[1:])) for row in rows}


def ground(db: Session, *, reserve_hosts: int, licences: Mapping[str, int] | None = None) -> Ground:
    """What classes may count with now: the hosts that take machines, with all that is not of open classes.

    `licences`: how many seats each limited template has; what is taken of them is counted here.
    """
    claims, of_classes = claimed_by_host(db), claimed_by_classes(db)
    standing = {place: amount - of_classes.get(place, Amount()) for place, amount in claims.items()}
    hosts = hosts_in_order(db)
    loads = [load_of(host, standing.get(host.id, Amount())) for host in hosts]
    disk = max((host.disk_gib for host in hosts), default=0)
    return Ground(
        tuple(room_of(load) for load in loads if load.usable),
        reserve_hosts,
        disk - sum(amount.disk_gib for amount in standing.values()),
        {slug: seats - licences_claimed(db, slug) for slug, seats in (licences or {}).items()},
        standing.get(None, Amount()),
    )


def licences_claimed(db: Session, template: str) -> int:
    """Claims of machines of this template, without those that the calendar counts."""
    query = select(func.count()).select_from(Claim).where(Claim.template_slug == template, ~of_calendar())
    return db.scalar(query) or 0
