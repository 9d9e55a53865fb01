"""Makes one seat anew: new overlays, restored or booted. Its student stays; if it fails, a spare seat stands in.

If a step was asked for, the reference solutions of the steps before it are run before the student gets it back. Where
one of them fails the seat is made once more: it is whole, at its beginning, and its student is told.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, PlaybookFailed, inner
from portal.core.lifecycle import LabSessionState, SeatState
from portal.models import LabSession, Seat, Student, Workflow
from portal.services import restarts, seats, students
from portal.services.seat_designs import SeatDesign, design_of
from portal.workflows.bring_seat import STEP_FAILED, do_steps, way_to
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.seat_making import ANSWERS_NOT, work_on
from portal.workflows.seat_runs import SeatWork, ids_of, make_run
from portal.workflows.seat_waiting import all_within, guests_of, wait_for_seats
from portal.workflows.sequence import Context, Sequence, Step

AT_BEGINNING = N_(
    "The steps before “%(step)s” could not be done for you (%(reason)s). Your machines are at the very beginning."
)


def make_anew(ctx: Context) -> None:
    """Thrown away, made and awaited in one step: done twice it is only begun again once more."""
    work, design = fresh_work(ctx)
    check_result(run_playbook(ctx, make_run(ctx.site.settings.storage_dir, [work])), ids_of([work]))
    warm = work.order.image is not None
    if not wait_for_seats(ctx, guests_of(design, [work]), within_s=all_within(design, warm=warm)):
        raise PlaybookFailed(ANSWERS_NOT)
    with ctx.write() as db:
        seat = db.get_one(Seat, ctx.subject_id)
        seat.ready_at, seat.warm = ctx.site.clock(), warm


def fresh_work(ctx: Context) -> tuple[SeatWork, SeatDesign]:
    with ctx.write() as db:
        seat = db.get_one(Seat, ctx.subject_id)
        lab_session = db.get_one(LabSession, seat.lab_session_id)
        design = design_of(db, lab_session.lab_version)
        return work_on(db, design, seat, fresh=True), design


def catch_up(ctx: Context) -> None:
    """What stands before the wished step is done; then whoever sits there gets the seat."""
    with ctx.site.sessions() as db:
        target = db.get_one(Seat, ctx.subject_id).begin_at_step
    failed = do_steps(ctx, way_to(ctx, target), lambda number: tell(ctx, number)) if target else None
    if failed is not None:
        make_anew(ctx)
    with ctx.write() as db:
        seat = db.get_one(Seat, ctx.subject_id)
        if seat.state != SeatState.BUILDING:
            return
        seat.move_to(SeatState.TAKEN if seat.student_id else SeatState.READY)
        seats.bump(db, seat.lab_session_id)
        if failed is not None:
            tell_at_beginning(db, seat, target, inner(STEP_FAILED, failed), ctx.site.clock())


def tell(ctx: Context, number: int) -> None:
    with ctx.write() as db:
        ctx.report(db, number)


def tell_at_beginning(db: Session, seat: Seat, target: str, reason: dict[str, object], now: datetime) -> None:
    """The student reads why, and the guide shows that all is to be done again."""
    student = db.get(Student, seat.student_id) if seat.student_id else None
    if student is None:
        return
    spec = students.spec_of(students.class_with(db, student))
    step = spec.step(target)
    seat.trouble = AT_BEGINNING
    seat.trouble_params = {"step": step.title.read(student.locale) if step else target, "reason": reason}
    restarts.do_anew(db, student, spec.steps[0].slug, now)


def copies(db: Session, subject_id: UUID) -> int:
    """The steps that are done for the student, one part each."""
    seat = db.get_one(Seat, subject_id)
    steps = students.spec_of(db.get_one(LabSession, seat.lab_session_id)).steps
    slugs = [step.slug for step in steps]
    return max(slugs.index(seat.begin_at_step), 1) if seat.begin_at_step in slugs else 1


def begun(db: Session, workflow: Workflow, ctx: Context) -> bool:
    """Not when the class has ended meanwhile, or the seat was taken away."""
    seat = db.get_one(Seat, workflow.subject_id)
    lab_session = db.get_one(LabSession, seat.lab_session_id)
    return seat.state == SeatState.BUILDING and lab_session.state in (LabSessionState.READY, LabSessionState.RUNNING)


def failed(db: Session, workflow: Workflow, ctx: Context) -> None:
    seat = db.get_one(Seat, workflow.subject_id)
    if seat.state != SeatState.BUILDING:
        return
    target, now = seat.begin_at_step, ctx.site.clock()
    instead = seats.replace_seat(db, seat, workflow.error or "", dict(workflow.error_params), now)
    if target and instead is not None:
        tell_at_beginning(db, instead, target, inner(workflow.error or "", workflow.error_params), now)


def cancelled(db: Session, workflow: Workflow, ctx: Context) -> None:
    """Ended with its class, which takes the seat away."""


RESET_SEAT = Sequence(
    name="reset_seat",
    steps=(
        Step(N_("Make the seat anew"), make_anew),
        Step(N_("Do the steps before"), catch_up, per_copy=True),
    ),
    copies=copies,
    begun=begun,
    failed=failed,
    cancelled=cancelled,
)
