"""Makes one seat anew: new overlays, restored or booted. Its student stays; if it fails, a spare seat stands in."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, PlaybookFailed
from portal.core.lifecycle import LabSessionState, SeatState
from portal.models import LabSession, Seat, Workflow
from portal.services import seats
from portal.services.seat_designs import SeatDesign, design_of
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.seat_making import ANSWERS_NOT, work_on
from portal.workflows.seat_runs import SeatWork, ids_of, make_run
from portal.workflows.seat_waiting import all_within, guests_of, wait_for_seats
from portal.workflows.sequence import Context, Sequence, Step


def make_anew(ctx: Context) -> None:
    """Thrown away, made and awaited in one step: done twice it is only begun again once more."""
    work, design = fresh_work(ctx)
    check_result(run_playbook(ctx, make_run(ctx.site.settings.storage_dir, [work])), ids_of([work]))
    warm = work.order.image is not None
    if not wait_for_seats(ctx, guests_of(design, [work]), within_s=all_within(design, warm=warm)):
        raise PlaybookFailed(ANSWERS_NOT)
    with ctx.write() as db:
        seat = db.get_one(Seat, ctx.subject_id)
        if seat.state == SeatState.BUILDING:
            seat.move_to(SeatState.TAKEN if seat.student_id else SeatState.READY)
            seat.ready_at, seat.warm = ctx.site.clock(), warm
            seats.bump(db, seat.lab_session_id)


def fresh_work(ctx: Context) -> tuple[SeatWork, SeatDesign]:
    with ctx.write() as db:
        seat = db.get_one(Seat, ctx.subject_id)
        lab_session = db.get_one(LabSession, seat.lab_session_id)
        design = design_of(db, lab_session.lab_version)
        return work_on(db, design, seat, fresh=True), design


def copies(db: Session, subject_id: UUID) -> int:
    return 1


def begun(db: Session, workflow: Workflow, ctx: Context) -> bool:
    """Not when the class has ended meanwhile, or the seat was taken away."""
    seat = db.get_one(Seat, workflow.subject_id)
    lab_session = db.get_one(LabSession, seat.lab_session_id)
    return seat.state == SeatState.BUILDING and lab_session.state in (LabSessionState.READY, LabSessionState.RUNNING)


def failed(db: Session, workflow: Workflow, ctx: Context) -> None:
    seat = db.get_one(Seat, workflow.subject_id)
    if seat.state == SeatState.BUILDING:
        seats.replace_seat(db, seat, workflow.error or "", dict(workflow.error_params), ctx.site.clock())


def cancelled(db: Session, workflow: Workflow, ctx: Context) -> None:
    """Ended with its class, which takes the seat away."""


RESET_SEAT = Sequence(
    name="reset_seat",
    steps=(Step(N_("Make the seat anew"), make_anew),),
    copies=copies,
    begun=begun,
    failed=failed,
    cancelled=cancelled,
)
