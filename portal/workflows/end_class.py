"""Takes all away that a class had, and writes the proof into the audit log: what there was, that nothing is left."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_
from portal.core.lifecycle import SeatState
from portal.models import LabSession, Seat, Workflow
from portal.services import audit, seat_claims, seats
from portal.services.seats import subject_of
from portal.workflows.seat_images import tidy_images
from portal.workflows.seat_proof import check_nothing_left, forget_tickets, found_on_hosts
from portal.workflows.seat_removing import remove_seats
from portal.workflows.sequence import Context, Sequence, Step


def list_all(ctx: Context) -> None:
    """What of the class is on the hosts before: kept in the audit log, once. Kept seats are named apart."""
    there, kept = found_on_hosts(ctx, seats_of(ctx), patient=True), found_on_hosts(ctx, seats_of(ctx, kept=True))
    with ctx.write() as db:
        if ctx.mark_once(db, N_("The list is written.")):
            note(db, ctx, "lab_session.inventory", there, kept)


def remove(ctx: Context) -> None:
    remove_seats(ctx, ctx.subject_id)


def prove(ctx: Context) -> None:
    """Ask every host again. Raises PlaybookFailed, to be tried again, while anything is left."""
    gone = seats_of(ctx)
    check_nothing_left(ctx, gone)
    kept = found_on_hosts(ctx, seats_of(ctx, kept=True), patient=True)
    with ctx.write() as db:
        seat_claims.release_session(db, ctx.subject_id)
        forget_tickets(db, gone)
        if ctx.mark_once(db, N_("Nothing is left.")):
            note(db, ctx, "lab_session.cleared", {}, kept)
        seats.held_session(db, ctx.subject_id).tell_trouble("")


def note(
    db: Session, ctx: Context, action: str, things: dict[str, list[str]], kept: dict[str, list[str]] | None = None
) -> None:
    lab_session = db.get_one(LabSession, ctx.subject_id)
    details: dict[str, object] = {"hosts": things, "count": sum(len(found) for found in things.values())}
    if kept:
        details["kept"] = kept
    now = ctx.site.clock()
    audit.record(db, actor=None, action=action, subject=subject_of(lab_session), now=now, details=details)


def seats_of(ctx: Context, *, kept: bool = False) -> frozenset[UUID]:
    """The class's seats that are to go; or those that stay with their students for a while."""
    of_class = select(Seat.id).where(Seat.lab_session_id == ctx.subject_id)
    is_kept = Seat.state == SeatState.KEPT
    with ctx.site.sessions() as db:
        return frozenset(db.scalars(of_class.where(is_kept if kept else ~is_kept)))


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
