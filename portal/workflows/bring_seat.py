"""Brings one seat to the step that its teacher chose: the reference solutions of what is missing before it are run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, PlaybookFailed, inner
from portal.core.labs import CheckBy, LabStep
from portal.core.lifecycle import LabSessionState, SeatState
from portal.models import LabSession, Seat, StepResult, Student, Workflow
from portal.services import seats, students
from portal.services.checks import Eyes, Place, look, place_of, solve
from portal.services.lab_specs import spec_of
from portal.workflows.sequence import Context, Sequence, Step

STEP_FAILED = N_("%(step)s: %(reason)s")
NOT_BROUGHT = N_("Seat %(number)s could not be brought to the step: %(reason)s")


@dataclass(frozen=True)
class Way:
    """The steps between where a seat is and where it is to be. `confirmed` are those that a teacher saw done on it."""

    place: Place
    steps: tuple[LabStep, ...]
    target: str
    locale: str
    confirmed: frozenset[str]


def bring(ctx: Context) -> None:
    """The guide stands at the step when all before it is done."""
    way = way_of(ctx)
    failed = do_steps(ctx, way)
    if failed is not None:
        raise PlaybookFailed(STEP_FAILED, step=failed["step"], reason=failed["reason"])
    with ctx.write() as db:
        seat = db.get_one(Seat, ctx.subject_id)
        student = db.get(Student, seat.student_id) if seat.student_id else None
        if student is not None:
            students.open_step(db, student, way.target, ctx.site.clock())
            seats.bump(db, seat.lab_session_id)


def nobody(number: int) -> None:
    """Asks how far it is."""


def do_steps(ctx: Context, way: Way, told: Callable[[int], None] = nobody) -> dict[str, Any] | None:
    """Each is looked at first: what is done already, by hand or by an earlier try, stays as it is.

    `told` hears how many are done. The step that failed and why (they fill STEP_FAILED), or None.
    """
    eyes = Eyes(ctx.site.hypervisor, ctx.site.doors)
    for number, step in enumerate(way.steps, start=1):
        ctx.check()
        if not is_done(eyes, step, way):
            ctx.check_fencing()
            failed = solve(eyes, step, way.place)
            if failed is not None:
                return {"step": step.slug, "reason": inner(failed.message, failed.params)}
        told(number)
    return None


def is_done(eyes: Eyes, step: LabStep, way: Way) -> bool:
    """What only a person can judge is done when they said so, after these machines were made."""
    if all(check.by == CheckBy.TEACHER for check in step.checks):
        return step.slug in way.confirmed
    outcome = look(eyes, step, way.place, way.locale)
    return outcome.passed or outcome.waits_for_teacher


def way_of(ctx: Context) -> Way:
    with ctx.site.sessions() as db:
        seat = db.get_one(Seat, ctx.subject_id)
        target = db.get_one(LabSession, seat.lab_session_id).catch_up_step
    return way_to(ctx, target)


def way_to(ctx: Context, target: str) -> Way:
    with ctx.site.sessions() as db:
        seat = db.get_one(Seat, ctx.subject_id)
        lab_session = db.get_one(LabSession, seat.lab_session_id)
        spec = spec_of(lab_session.lab_version)
        student = db.get(Student, seat.student_id) if seat.student_id else None
        return Way(
            place_of(seat),
            tuple(before(spec.steps, target)),
            target,
            student.locale if student else "es",
            frozenset(confirmed_on(db, seat)),
        )


def confirmed_on(db: Session, seat: Seat) -> Iterable[str]:
    made_at = seat.ready_at or seat.made_at
    results = select(StepResult.step).where(StepResult.student_id == seat.student_id)
    return db.scalars(results.where(StepResult.passed_at >= made_at))


def before(steps: Iterable[LabStep], slug: str) -> Iterable[LabStep]:
    for step in steps:
        if step.slug == slug:
            return
        yield step


def copies(db: Session, subject_id: UUID) -> int:
    return 1


def begun(db: Session, workflow: Workflow, ctx: Context) -> bool:
    seat = db.get_one(Seat, workflow.subject_id)
    lab_session = db.get_one(LabSession, seat.lab_session_id)
    return seat.state == SeatState.TAKEN and lab_session.state in (LabSessionState.READY, LabSessionState.RUNNING)


def failed(db: Session, workflow: Workflow, ctx: Context) -> None:
    """The board says which seat stayed behind, and why."""
    seat = db.get_one(Seat, workflow.subject_id)
    lab_session = seats.held_session(db, seat.lab_session_id)
    reason = inner(workflow.error or "", workflow.error_params)
    lab_session.tell_trouble(NOT_BROUGHT, {"number": seat.number, "reason": reason})


def cancelled(db: Session, workflow: Workflow, ctx: Context) -> None:
    """What was done for the student stays done."""


BRING_SEAT = Sequence(
    name="bring_seat",
    steps=(Step(N_("Bring the seat to the step"), bring),),
    copies=copies,
    begun=begun,
    failed=failed,
    cancelled=cancelled,
)
