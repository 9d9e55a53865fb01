"""Proves a lab on a real seat: each step's checks fail before its reference solution and pass after it.

And that both guides say the same. What is wrong with lab or seat is what a trial is for: it is written down, and the
steps that tidy up still run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, Phrase
from portal.core.guide_pairs import pair_mistakes
from portal.core.labs import CheckBy, LabStep
from portal.core.plain_data import to_plain
from portal.models import LabTrial, Workflow
from portal.services import lab_trials
from portal.services.checks import SILENT, Eyes, Place, Sight, look_at, solve
from portal.services.lab_specs import spec_of
from portal.services.preconditions import PASSES_ALREADY
from portal.workflows.lone_seats import NOT_BOOTED, Held, LoneSeats
from portal.workflows.sequence import Context, Sequence, Step

FAILS_AFTER = N_("Its checks fail after the solution: %(said)s")
SILENT_BEFORE = N_("Its machine does not answer the checks.")


@dataclass(frozen=True)
class StepTrial:
    """`trouble` says what is wrong with the step; None if all is as it should be."""

    step: str
    before: Sight
    after: Sight
    trouble: Phrase | None = None

    @property
    def ok(self) -> bool:
        return self.trouble is None

    def as_data(self) -> dict[str, Any]:
        trouble = self.trouble or Phrase("")
        sights = {"before": sight_data(self.before), "after": sight_data(self.after)}
        return {"step": self.step, **sights, "trouble": trouble.message, "params": dict(trouble.params)}


def sight_data(sight: Sight) -> dict[str, Any]:
    said = {"es": sight.said.es, "en": sight.said.en} if sight.said is not None else {"es": "", "en": ""}
    return {"passed": sight.passed, "waits": sight.waits_for_teacher, **said}


def try_step(eyes: Eyes, step: LabStep, place: Place) -> StepTrial:
    """A step that only a teacher's eyes can check asks for them before and after."""
    before = look_at(eyes, step, place)
    failed = solve(eyes, step, place)
    after = look_at(eyes, step, place)
    return StepTrial(step.slug, before, after, failed or trouble_of(step, before, after))


def trouble_of(step: LabStep, before: Sight, after: Sight) -> Phrase | None:
    by_eyes = all(check.by == CheckBy.TEACHER for check in step.checks)
    if before.said is SILENT:
        return Phrase(SILENT_BEFORE)
    if not by_eyes and (before.passed or before.waits_for_teacher):
        return Phrase(PASSES_ALREADY)
    if not (after.passed or after.waits_for_teacher):
        said = after.said or SILENT
        return Phrase(FAILS_AFTER, {"said": said.en if said.en == said.es else f"{said.es} / {said.en}"})
    return None


def load(db: Session, subject_id: UUID) -> Held:
    trial = db.get_one(LabTrial, subject_id)
    return Held(trial, trial, trial.lab_version)


SEAT = LoneSeats(load)


def compare_guides(ctx: Context) -> None:
    with ctx.write() as db:
        trial = db.get_one(LabTrial, ctx.subject_id)
        mistakes = pair_mistakes(spec_of(trial.lab_version))
        trial.guide_mistakes = [to_plain(one) for one in mistakes]


def try_steps(ctx: Context) -> None:
    """All steps in their order, each written down at once. After an interruption on a new seat, from the first."""
    with ctx.site.sessions() as db:
        begun_before = bool(db.get_one(LabTrial, ctx.subject_id).findings)
    if begun_before:
        SEAT.make(ctx, image=None, trouble=NOT_BOOTED)
    with ctx.write() as db:
        place, steps = SEAT.place(db, ctx), load(db, ctx.subject_id).spec.steps
        db.get_one(LabTrial, ctx.subject_id).findings = []
    for number, step in enumerate(steps, start=1):
        if place is not None:
            try_one(ctx, step, place, number)
    with ctx.write() as db:
        lab_trials.judge(db.get_one(LabTrial, ctx.subject_id))


def try_one(ctx: Context, step: LabStep, place: Place, number: int) -> None:
    ctx.check()
    ctx.check_fencing()
    finding = try_step(Eyes(ctx.site.hypervisor, ctx.site.doors), step, place).as_data()
    with ctx.write() as db:
        trial = db.get_one(LabTrial, ctx.subject_id)
        trial.findings = [*trial.findings, finding]
        ctx.report(db, number)


def free(ctx: Context) -> None:
    SEAT.take_away(ctx)
    SEAT.let_go(ctx)
    with ctx.write() as db:
        lab_trials.end(db.get_one(LabTrial, ctx.subject_id), ctx.site.clock())


def copies(db: Session, subject_id: UUID) -> int:
    """The bar grows with each step of the lab."""
    return len(spec_of(db.get_one(LabTrial, subject_id).lab_version).steps)


def begun(db: Session, workflow: Workflow, ctx: Context) -> bool:
    return True


def failed(db: Session, workflow: Workflow, ctx: Context) -> None:
    """The page says why; the clock takes away what is left."""
    lab_trials.fail(db.get_one(LabTrial, workflow.subject_id), workflow.error or "", workflow.error_params)


def cancelled(db: Session, workflow: Workflow, ctx: Context) -> None:
    """All that it had was undone before."""
    lab_trials.end(db.get_one(LabTrial, workflow.subject_id), ctx.site.clock())


TRY_LAB = Sequence(
    name=lab_trials.KIND,
    steps=(
        Step(N_("Compare the two guides"), compare_guides),
        Step(N_("Hold a place for one seat"), SEAT.hold, SEAT.let_go),
        Step(N_("Boot one seat"), SEAT.boot, SEAT.take_away),
        Step(N_("Try all steps"), try_steps, per_copy=True),
        Step(N_("Take the seat away"), free),
    ),
    copies=copies,
    begun=begun,
    failed=failed,
    cancelled=cancelled,
)
