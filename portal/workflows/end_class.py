"""Takes all away that a class had, and writes the proof into the audit log: what there was, that nothing is left."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, OutsideUnavailable, PlaybookFailed
from portal.core.lifecycle import HostState
from portal.interfaces import HostAddress
from portal.models import ConsoleTicket, Host, LabSession, Seat, SeatMachine, Workflow
from portal.services import audit, seat_claims, seats
from portal.services.hosts import all_hosts
from portal.services.seats import subject_of
from portal.workflows.seat_images import tidy_images
from portal.workflows.seat_removing import remove_seats
from portal.workflows.sequence import Context, Sequence, Step

SILENT = "does not answer"


def list_all(ctx: Context) -> None:
    """What of the class is on the hosts before: kept in the audit log, once."""
    there = found_on_hosts(ctx, patient=True)
    with ctx.write() as db:
        if ctx.mark_once(db, N_("The list is written.")):
            note(db, ctx, "lab_session.inventory", there)


def remove(ctx: Context) -> None:
    remove_seats(ctx, ctx.subject_id)


def prove(ctx: Context) -> None:
    """Ask every host again. Raises PlaybookFailed, to be tried again, while anything is left."""
    left = found_on_hosts(ctx)
    if left:
        names = "; ".join(f"{host}: {', '.join(things[:3])}" for host, things in sorted(left.items()))
        raise PlaybookFailed(N_("Something of this class is still on the hosts: %(names)s"), names=names)
    with ctx.write() as db:
        seat_claims.release_session(db, ctx.subject_id)
        machines = select(SeatMachine.id).join(Seat, Seat.id == SeatMachine.seat_id)
        of_class = machines.where(Seat.lab_session_id == ctx.subject_id)
        for ticket in db.scalars(select(ConsoleTicket).where(ConsoleTicket.seat_machine_id.in_(of_class))):
            db.delete(ticket)
        if ctx.mark_once(db, N_("Nothing is left.")):
            note(db, ctx, "lab_session.cleared", left)
        seats.held_session(db, ctx.subject_id).tell_trouble("")


def note(db: Session, ctx: Context, action: str, things: dict[str, list[str]]) -> None:
    lab_session = db.get_one(LabSession, ctx.subject_id)
    details = {"hosts": things, "count": sum(len(found) for found in things.values())}
    now = ctx.site.clock()
    audit.record(db, actor=None, action=action, subject=subject_of(lab_session), now=now, details=details)


def found_on_hosts(ctx: Context, *, patient: bool = False) -> dict[str, list[str]]:
    """By host, what each shows of this class. One that does not answer raises HypervisorUnavailable, or is noted."""
    with ctx.site.sessions() as db:
        seat_ids = set(db.scalars(select(Seat.id).where(Seat.lab_session_id == ctx.subject_id)))
        hosts = [host.reached_at for host in all_hosts(db) if host.state != HostState.LOST and used(db, host, seat_ids)]
        machines = set(db.scalars(select(SeatMachine.id).where(SeatMachine.seat_id.in_(seat_ids))))
    found = {host.name: traces_of(ctx, host, seat_ids | machines, patient=patient) for host in hosts}
    return {host: things for host, things in found.items() if things}


def used(db: Session, host: Host, seat_ids: Iterable[UUID]) -> bool:
    """Hosts without any seat of the class need not answer for it."""
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


def copies(db: Session, subject_id: UUID) -> int:
    return 1


def begun(db: Session, workflow: Workflow, ctx: Context) -> bool:
    return True


def failed(db: Session, workflow: Workflow, ctx: Context) -> None:
    """The class's page says what is left; the clock tries again."""
    seats.held_session(db, workflow.subject_id).tell_trouble(workflow.error or "", workflow.error_params)


def cancelled(db: Session, workflow: Workflow, ctx: Context) -> None:
    """What is taken away stays away."""


END_CLASS = Sequence(
    name="end_class",
    steps=(
        Step(N_("List what there is"), list_all),
        Step(N_("Take the seats away"), remove),
        Step(N_("Prove that nothing is left"), prove),
        Step(N_("Tidy old patterns"), tidy_images),
    ),
    copies=copies,
    begun=begun,
    failed=failed,
    cancelled=cancelled,
)
