"""Capacity held for seats, of a class or of a lab's trial: one claim a machine, all machines of a seat on one host.

The booking has proven that the class fits, wherever other seats stand and although hosts are lost
(portal/core/calendar.py). So here other classes count only with what they hold at this moment: counting what will be
booked later too would count the same room twice. The reserve is kept as long as all hosts are there; what hosts are
missing has used it up, which is what it is for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.core.lifecycle import SeatState
from portal.core.quota import Amount
from portal.models import Claim, Host, LabSession, LabTrial, Seat, SeatMachine
from portal.services.capacity import hosts_in_order, load_of
from portal.services.claims import choose, in_rounds, swap_generations


@dataclass(frozen=True)
class SeatClaim:
    """What one machine of a seat takes. `vm_id` is the machine's id (core/naming.seat_machine_id_for)."""

    vm_id: UUID
    template_slug: str
    amount: Amount


SeatClaims = Mapping[UUID, Sequence[SeatClaim]]  # by seat


Holder = LabSession | LabTrial


def hold_seats(db: Session, holder: Holder, machines: SeatClaims, now: datetime) -> None:
    """Claim what these seats take, without a host. Doing it again changes nothing; other seats are left alone."""
    held = set(claims_of(db, machines))
    for machine in (each for seat in machines.values() for each in seat if each.vm_id not in held):
        db.add(
            Claim(
                vm_id=machine.vm_id,
                vcpus=machine.amount.vcpus,
                memory_mib=machine.amount.memory_mib,
                disk_gib=machine.amount.disk_gib,
                made_at=now,
                template_slug=machine.template_slug,
                lab_session_id=holder.id if isinstance(holder, LabSession) else None,
                lab_trial_id=holder.id if isinstance(holder, LabTrial) else None,
            )
        )
    db.flush()


def place_seats(
    db: Session, holder: Holder, machines: SeatClaims, now: datetime, *, reserve_hosts: int = 1
) -> Mapping[UUID, Host]:
    """Put these seats on hosts, each whole on one and all of them spread out; return seat id → host.

    A seat that has a host keeps it (services/claims.leave_host lets it go). Safe beside other placements, as
    services/claims.place is. Raises NoCapacity; then none of the seats has got a host.
    """
    hold_seats(db, holder, machines, now)
    in_rounds(db, lambda: try_to_place(db, machines, reserve_hosts))
    hosts = {host.id: host for host in hosts_in_order(db)}
    return {seat: hosts[host_id] for seat, host_id in places_of(claims_of(db, machines), machines).items()}


def try_to_place(db: Session, machines: SeatClaims, reserve_hosts: int) -> bool:
    """False if another placement came between our look and our change."""
    claims = claims_of(db, machines)
    places = dict(places_of(claims, machines))
    wanted = {seat: whole(parts) for seat, parts in machines.items() if parts and seat not in places}
    hosts: Sequence[Host] = ()
    if wanted:
        hosts, chosen = choose(db, wanted, max(reserve_hosts - missing_hosts(db), 0))
        places.update(chosen)
    for seat, host_id in places.items():
        for part in machines[seat]:
            claims[part.vm_id].host_id = host_id
    return swap_generations(db, hosts)


def missing_hosts(db: Session) -> int:
    return sum(1 for host in hosts_in_order(db) if not load_of(host, Amount()).usable)


def whole(parts: Sequence[SeatClaim]) -> Amount:
    return sum((part.amount for part in parts), Amount())


def claims_of(db: Session, machines: SeatClaims) -> dict[UUID, Claim]:
    ids = [part.vm_id for parts in machines.values() for part in parts]
    return {claim.vm_id: claim for claim in db.scalars(select(Claim).where(Claim.vm_id.in_(ids)))}


def places_of(claims: Mapping[UUID, Claim], machines: SeatClaims) -> dict[UUID, UUID]:
    """Where seats stand already, by any of their machines."""
    return {
        seat: host_id
        for seat, parts in machines.items()
        for part in parts
        if (host_id := claims[part.vm_id].host_id) is not None
    }


def release_session(db: Session, lab_session_id: UUID) -> None:
    """Let go all that the class holds, but for seats that are kept. Nothing held is fine."""
    kept = select(SeatMachine.id).join(Seat, Seat.id == SeatMachine.seat_id).where(Seat.state == SeatState.KEPT)
    db.execute(delete(Claim).where(Claim.lab_session_id == lab_session_id, Claim.vm_id.not_in(kept)))
