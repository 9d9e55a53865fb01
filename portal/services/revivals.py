"""Kept seats whose machines are off: power was cut, their host is lost, or the guest was shut down. They boot again.

What lies on their disks is there; what was only in their memory is gone, and their student is told so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import MachineMissing, OutsideUnavailable
from portal.core.lifecycle import HostState, KeepingState, SeatState, WorkflowState
from portal.interfaces import HostAddress, Hypervisor, WorkflowQueue
from portal.models import Keeping, Seat
from portal.services import keeping_holds, workflows

TRIED_AGAIN_AFTER = timedelta(minutes=5)
KIND = "revive_seat"


@dataclass(frozen=True)
class KeptPlace:
    """A kept seat and where its machines should run; no host where that one is lost for good."""

    seat_id: UUID
    host: HostAddress | None
    machines: tuple[UUID, ...]


def places(db: Session) -> list[KeptPlace]:
    """Without those on hosts that are silent: nobody can say that their machines are off."""
    query = select(Seat).join(Keeping, Keeping.seat_id == Seat.id).where(Keeping.state == KeepingState.KEPT)
    found = []
    for seat in db.scalars(query.order_by(Seat.id)):
        lost = seat.host is None or seat.host.state == HostState.LOST
        if seat.host is not None and seat.host.trouble and not lost:
            continue
        host = None if lost or seat.host is None else seat.host.reached_at
        found.append(KeptPlace(seat.id, host, tuple(machine.id for machine in seat.machines)))
    return found


def are_off(hypervisor: Hypervisor, kept: Iterable[KeptPlace]) -> list[UUID]:
    """Seats of which a machine is missing. Asks hosts: no transaction may wait for it."""
    return [place.seat_id for place in kept if place.host is None or misses_one(hypervisor, place.host, place.machines)]


def misses_one(hypervisor: Hypervisor, host: HostAddress, machines: Iterable[UUID]) -> bool:
    try:
        for machine in machines:
            hypervisor.machine(host, machine)
    except MachineMissing:
        return True
    except OutsideUnavailable:
        return False
    return False


def begin(db: Session, seat_ids: Iterable[UUID], *, queue: WorkflowQueue, now: datetime) -> int:
    """Boot these seats again, but for those on which work goes on or failed just now."""
    begun = 0
    query = select(Keeping).where(Keeping.seat_id.in_(list(seat_ids)), Keeping.state == KeepingState.KEPT)
    for keeping in list(db.scalars(query.with_for_update(of=Keeping, skip_locked=True))):
        seat = db.get_one(Seat, keeping.seat_id)
        if seat.state == SeatState.KEPT and may_begin(db, seat.id, now):
            workflows.begin(db, kind=KIND, subject_id=seat.id, queue=queue, now=now)
            begun += 1
    return begun


def may_begin(db: Session, seat_id: UUID, now: datetime) -> bool:
    if keeping_holds.is_copying(db, seat_id):
        return False
    latest = workflows.latest_of(db, seat_id)
    if latest is None:
        return True
    failed_lately = (
        latest.kind == KIND
        and latest.state == WorkflowState.FAILED
        and (latest.ended_at is None or latest.ended_at + TRIED_AGAIN_AFTER > now)
    )
    return latest.state not in workflows.LIVE and not failed_lately
