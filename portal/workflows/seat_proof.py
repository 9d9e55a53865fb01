"""The proof that nothing of seats is left: every host that had one of them is asked what it shows of them."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, OutsideUnavailable, PlaybookFailed
from portal.core.lifecycle import HostState
from portal.interfaces import HostAddress
from portal.models import ConsoleTicket, Host, Seat, SeatMachine
from portal.services.hosts import all_hosts
from portal.workflows.sequence import Context

SILENT = "does not answer"


def check_nothing_left(ctx: Context, seat_ids: Collection[UUID]) -> None:
    """Raises PlaybookFailed, to be tried again, while any host shows anything of these seats."""
    left = found_on_hosts(ctx, seat_ids)
    if left:
        names = "; ".join(f"{host}: {', '.join(things[:3])}" for host, things in sorted(left.items()))
        raise PlaybookFailed(N_("Something of this class is still on the hosts: %(names)s"), names=names)


def found_on_hosts(ctx: Context, seat_ids: Collection[UUID], *, patient: bool = False) -> dict[str, list[str]]:
    """By host, what each shows of them. One that does not answer raises HypervisorUnavailable, or is noted."""
    with ctx.site.sessions() as db:
        hosts = [host.reached_at for host in all_hosts(db) if host.state != HostState.LOST and used(db, host, seat_ids)]
        machines = set(db.scalars(select(SeatMachine.id).where(SeatMachine.seat_id.in_(seat_ids))))
    found = {host.name: traces_of(ctx, host, machines.union(seat_ids), patient=patient) for host in hosts}
    return {host: things for host, things in found.items() if things}


def used(db: Session, host: Host, seat_ids: Collection[UUID]) -> bool:
    """Hosts without any of the seats need not answer for them."""
    return db.scalar(select(Seat.id).where(Seat.id.in_(seat_ids), Seat.host_id == host.id).limit(1)) is not None


def traces_of(ctx: Context, host: HostAddress, ids: set[UUID], *, patient: bool) -> list[str]:
    try:
        traces = ctx.site.hypervisor.seat_traces(host)
    except OutsideUnavailable:
        if not patient:
            raise
        return [SILENT]
    kinds = (
        ("machine", traces.machines),
        ("folder", traces.folders),
        ("network", traces.namespaces),
        ("sockets", traces.sockets),
    )
    return sorted(f"{kind} {thing}" for kind, things in kinds for thing in things & ids)


def forget_tickets(db: Session, seat_ids: Collection[UUID]) -> None:
    machines = select(SeatMachine.id).where(SeatMachine.seat_id.in_(seat_ids))
    for ticket in db.scalars(select(ConsoleTicket).where(ConsoleTicket.seat_machine_id.in_(machines))):
        db.delete(ticket)
