"""Capacity held for machines: claimed when asked for, put on a host when approved, let go when retired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from portal.core.calendar import still_stands
from portal.core.errors import N_, NoCapacity
from portal.core.lifecycle import VmState
from portal.core.naming import vm_id_for
from portal.core.placement import place as choose_hosts
from portal.core.quota import Amount
from portal.models import Claim, Host, Vm, VmRequest
from portal.services.calendar import bookings
from portal.services.capacity import claimed_by_host, ground, hosts_in_order, load_of, room_of

ATTEMPTS = 50  # of placing, when others place at the same time: in each round one of them succeeds


def hold(db: Session, vm_request: VmRequest, now: datetime) -> None:
    """Make the claims of a request what the request now says: one a copy. Doing it again changes nothing.

    A copy that was retired already, as after a failure, holds nothing again.
    """
    held = {claim.vm_id: claim for claim in claims_of(db, vm_request)}
    retired = select(Vm.id).where(Vm.vm_request_id == vm_request.id, Vm.state == VmState.RETIRED)
    gone = set(db.scalars(retired))
    wanted = [
        vm_id for position in range(vm_request.copies) if (vm_id := vm_id_for(vm_request.id, position)) not in gone
    ]
    release(db, set(held) - set(wanted))
    for vm_id in wanted:
        claim = held.get(vm_id)
        if claim is None:
            db.add(new_claim(vm_request, vm_id, now))
        elif claim.host_id is None:  # a placed claim is what the host counted with
            claim.vcpus, claim.memory_mib = vm_request.vcpus, vm_request.memory_mib
            claim.disk_gib = vm_request.disk_gib
    db.flush()


def new_claim(vm_request: VmRequest, vm_id: UUID, now: datetime) -> Claim:
    return Claim(
        vm_request_id=vm_request.id,
        vm_id=vm_id,
        department_id=vm_request.department_id,
        vcpus=vm_request.vcpus,
        memory_mib=vm_request.memory_mib,
        disk_gib=vm_request.disk_gib,
        made_at=now,
        template_slug=vm_request.template_slug,
    )


def claims_of(db: Session, vm_request: VmRequest) -> list[Claim]:
    return list(db.scalars(select(Claim).where(Claim.vm_request_id == vm_request.id)))


def place(db: Session, vm_request: VmRequest, now: datetime, *, reserve_hosts: int = 1) -> Mapping[UUID, Host]:
    """Put the request's claims on hosts and return vm id → host. Claims that have a host keep it.

    Safe beside other placements: the generation of every host that was considered is compared and swapped,
    and whoever comes second looks again. Raises NoCapacity.
    """
    hold(db, vm_request, now)
    in_rounds(db, lambda: try_to_place(db, vm_request, now, reserve_hosts))
    hosts = {host.id: host for host in hosts_in_order(db)}
    return {claim.vm_id: hosts[claim.host_id] for claim in claims_of(db, vm_request) if claim.host_id}


def in_rounds(db: Session, try_once: Callable[[], bool]) -> None:
    """Try until nobody else placed anything between our look and our change. Raises NoCapacity."""
    for _ in range(ATTEMPTS):
        with db.begin_nested() as savepoint:
            if try_once():
                return
            savepoint.rollback()
        db.expire_all()
    raise NoCapacity(N_("Too many machines are being placed at this moment. Try again in a minute."))


def try_to_place(db: Session, vm_request: VmRequest, now: datetime, reserve_hosts: int) -> bool:
    """False if another placement came between our look and our change."""
    claims = {claim.vm_id: claim for claim in claims_of(db, vm_request) if claim.host_id is None}
    if not claims:
        return True
    wanted = {vm_id: amount_of(claim) for vm_id, claim in claims.items()}
    hosts, chosen = choose(db, wanted, reserve_hosts)
    check_classes(db, wanted, chosen, now=now, reserve_hosts=reserve_hosts)
    for vm_id, host_id in chosen.items():
        claims[vm_id].host_id = host_id
    return swap_generations(db, hosts)


def choose(
    db: Session, wanted: Mapping[UUID, Amount], reserve_hosts: int
) -> tuple[Sequence[Host], Mapping[UUID, UUID]]:
    """The hosts that were considered, and which of them takes what beside all that is claimed now."""
    hosts = hosts_in_order(db)
    claimed = claimed_by_host(db)
    loads = [load_of(host, claimed.get(host.id, Amount())) for host in hosts]
    disk_taken = sum(amount.disk_gib for host_id, amount in claimed.items() if host_id is not None)
    chosen = choose_hosts(
        wanted,
        [room_of(load) for load in loads if load.usable],
        reserve_hosts=reserve_hosts,
        disk_free_gib=max((host.disk_gib for host in hosts), default=0) - disk_taken,
    )
    return [load.host for load in loads if load.usable], chosen


def check_classes(
    db: Session, wanted: Mapping[UUID, Amount], chosen: Mapping[UUID, UUID], *, now: datetime, reserve_hosts: int
) -> None:
    """Raise NoCapacity if these machines, there and for good, would take what an accepted class was promised."""
    classes = bookings(db, since=now)
    if not classes:
        return
    before = ground(db, reserve_hosts=reserve_hosts)
    rooms = {room.id: room for room in before.rooms}
    for vm_id, host_id in chosen.items():
        rooms[host_id] = rooms[host_id].with_machine(replace(wanted[vm_id], disk_gib=0))
    disk = sum(amount.disk_gib for amount in wanted.values())
    # requests that wait are not placed before this one, so they take nothing from it
    waiting_disk = before.waiting.disk_gib
    after = replace(
        before, rooms=tuple(rooms.values()), waiting=Amount(), disk_free_gib=before.disk_free_gib + waiting_disk - disk
    )
    lack = still_stands(after, classes, now)
    if lack is not None:
        raise NoCapacity(
            N_("These machines would take the room that a class on %(day)s has been promised."),
            day=lack.moment.date().isoformat(),
        )


def swap_generations(db: Session, hosts: Iterable[Host]) -> bool:
    """True if nobody else placed anything on these hosts since we read them."""
    return all(swap_generation(db, host) for host in sorted(hosts, key=by_id))


def by_id(host: Host) -> UUID:
    return host.id


def swap_generation(db: Session, host: Host) -> bool:
    """True if nobody else placed anything on this host since we read it."""
    swapped = db.execute(
        update(Host)
        .where(Host.id == host.id, Host.generation == host.generation)
        .values(generation=Host.generation + 1)
        .execution_options(synchronize_session=False)
    )
    db.expire(host)
    assert isinstance(swapped, CursorResult)  # noqa: S101 - an UPDATE has a row count
    return swapped.rowcount == 1


def amount_of(claim: Claim) -> Amount:
    return Amount(1, claim.vcpus, claim.memory_mib, claim.disk_gib)


def release(db: Session, vm_ids: Iterable[UUID]) -> None:
    """Let go what these machines held. Nothing held is fine."""
    ids = list(vm_ids)
    if ids:
        db.execute(delete(Claim).where(Claim.vm_id.in_(ids)))


def leave_host(db: Session, vm_id: UUID) -> None:
    """What the machine takes stays held, but not on this host: the next placement chooses another."""
    db.execute(update(Claim).where(Claim.vm_id == vm_id).values(host_id=None))


def release_request(db: Session, vm_request: VmRequest) -> None:
    db.execute(delete(Claim).where(Claim.vm_request_id == vm_request.id))
