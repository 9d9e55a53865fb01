"""Takes a seat away that was kept after its class, and writes the proof into the audit log, as for a whole class."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_
from portal.models import LabSession, Seat, Workflow
from portal.services import audit, kept_seats, seats
from portal.services.seats import subject_of
from portal.workflows.seat_proof import check_nothing_left, forget_tickets, found_on_hosts
from portal.workflows.seat_removing import remove_seats
from portal.workflows.sequence import Context, Sequence, Step


def list_all(ctx: Context) -> None:
    there = found_on_hosts(ctx, [ctx.subject_id], patient=True)
    with ctx.write() as db:
        if ctx.mark_once(db, N_("The list is written.")):
            note(db, ctx, "keeping.inventory", there)


def remove(ctx: Context) -> None:
    with ctx.site.sessions() as db:
        lab_session_id = db.get_one(Seat, ctx.subject_id).lab_session_id
    remove_seats(ctx, lab_session_id, only=ctx.subject_id)


def prove(ctx: Context) -> None:
    """Raises PlaybookFailed, to be tried again, while anything of the seat is left. Its claims went with the seat."""
    check_nothing_left(ctx, [ctx.subject_id])
    with ctx.write() as db:
        forget_tickets(db, [ctx.subject_id])
        if ctx.mark_once(db, N_("Nothing is left.")):
            note(db, ctx, "keeping.cleared", {})
        tell(db, ctx.subject_id, "", {})


def note(db: Session, ctx: Context, action: str, things: dict[str, list[str]]) -> None:
    seat = db.get_one(Seat, ctx.subject_id)
    lab_session = db.get_one(LabSession, seat.lab_session_id)
    count = sum(len(found) for found in things.values())
    details = {"seat": seat.number, "hosts": things, "count": count}
    now = ctx.site.clock()
    audit.record(db, actor=None, action=action, subject=subject_of(lab_session), now=now, details=details)


def tell(db: Session, seat_id: UUID, trouble: str, params: dict[str, object]) -> None:
    keeping = kept_seats.of_seat(db, seat_id)
    if keeping is not None:
        keeping.tell_trouble(trouble, params)
        seats.bump(db, keeping.lab_session_id)


def copies(db: Session, subject_id: UUID) -> int:
    return 1


def begun(db: Session, workflow: Workflow, ctx: Context) -> bool:
    return True


def failed(db: Session, workflow: Workflow, ctx: Context) -> None:
    """The class's page says what is left; the clock tries again."""
    tell(db, workflow.subject_id, workflow.error or "", dict(workflow.error_params))


def cancelled(db: Session, workflow: Workflow, ctx: Context) -> None:
    """What is taken away stays away."""


END_KEEPING = Sequence(
    name="end_keeping",
    steps=(
        Step(N_("List what there is"), list_all),
        Step(N_("Take the seat away"), remove),
        Step(N_("Prove that nothing is left"), prove),
    ),
    copies=copies,
    begun=begun,
    failed=failed,
    cancelled=cancelled,
)
