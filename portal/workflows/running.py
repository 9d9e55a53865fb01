"""Runs a sequence: each step once if all goes well, twice without harm if not; undo in reverse when cancelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from portal.core.errors import N_, Cancelled, OutsideUnavailable, PortalError, filled, inner, plain
from portal.core.lifecycle import StepState, WorkflowState
from portal.models import Workflow, WorkflowStep
from portal.services.workflows import LIVE, steps_of
from portal.site import Site
from portal.workflows.sequence import Context, Hooks, Sequence, vms_of

log = structlog.get_logger()

# The engine's promise: remember(name, work) runs the work and keeps its answer; asked again, it gives that answer.
Remember = Callable[[str, Callable[[], str]], str]

DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
ATTEMPTS = 3  # of a step, when something outside does not answer
UNDO_ATTEMPTS = 5  # of an undo, whatever went wrong
FIRST_WAIT_S = 1.0
DATABASE_AWAY = (OperationalError, InterfaceError)
UNEXPECTED = N_("Something unexpected happened (%(kind)s). An administrator finds the details in the worker's log.")


@dataclass(frozen=True)
class Run:
    """One execution of a workflow by one worker, under its own fencing number."""

    sequence: Sequence
    context: Context
    copies: int

    def at(self, position: int, *, undoing: bool = False) -> Context:
        first_part = self.sequence.parts_before(position, self.copies)
        return replace(self.context, position=position, first_part=first_part, undoing=undoing)


def run_sequence(
    site: Site, sequence: Sequence, *, workflow_id: str, subject_id: UUID, remember: Remember, hooks: Hooks
) -> str:
    """Carry a workflow to its end and return how it ended. Every decision hangs on remembered answers alone."""
    run = take_over(site, sequence, workflow_id=workflow_id, subject_id=subject_id, hooks=hooks)
    for position, step in enumerate(sequence.steps):
        answer = remember(step.name, lambda position=position: do_step(run, position))  # type: ignore[misc]
        if answer == CANCELLED:
            return undo_all(run, remember)
        if answer == FAILED:
            return FAILED
    return remember("end", lambda: end(run, WorkflowState.DONE))


def undo_all(run: Run, remember: Remember) -> str:
    """Backwards through every step: those that never began have nothing to undo."""
    for position in reversed(range(len(run.sequence.steps))):
        name = f"undo {run.sequence.steps[position].name}"
        if remember(name, lambda position=position: undo_step(run, position)) == FAILED:  # type: ignore[misc]
            return FAILED
    return remember("end", lambda: end(run, WorkflowState.CANCELLED))


def take_over(site: Site, sequence: Sequence, *, workflow_id: str, subject_id: UUID, hooks: Hooks) -> Run:
    """Become the owner: a fencing number above all before, for the workflow and for its machines."""
    with site.write_sessions.begin() as db:
        workflow = db.get(Workflow, workflow_id, with_for_update=True)
        if workflow is None:  # whoever put it in the queue kept no row
            workflow = Workflow(id=workflow_id, kind=sequence.name, subject_id=subject_id, created_at=site.clock())
            db.add(workflow)
        vms = vms_of(db, subject_id)
        workflow.fencing = max([workflow.fencing, *(vm.fencing for vm in vms)]) + 1
        for vm in vms:
            vm.fencing = workflow.fencing
        copies = sequence.copies(db, subject_id)
        workflow.total = sequence.parts_before(len(sequence.steps), copies)
        db.flush()
        add_steps(db, sequence, workflow_id)
        if workflow.started_at is None and workflow.cancel_asked_at is None:
            do_again(db, sequence, workflow_id)
        fencing = workflow.fencing
    log.info("workflow taken over", workflow=workflow_id, fencing=fencing)
    return Run(sequence, Context(site, workflow_id, subject_id, fencing, hooks), copies)


def add_steps(db: Session, sequence: Sequence, workflow_id: str) -> None:
    known = {step.position for step in steps_of(db, workflow_id)}
    for position, step in enumerate(sequence.steps):
        if position not in known:
            db.add(WorkflowStep(workflow_id=workflow_id, position=position, name=step.name))


def do_again(db: Session, sequence: Sequence, workflow_id: str) -> None:
    """Take up with the failed step those before it that it asks for. Not as waiting: they still have to be undone."""
    steps = steps_of(db, workflow_id)
    for failed in [step for step in steps if step.state == StepState.FAILED]:
        for earlier in steps[failed.position - sequence.steps[failed.position].again : failed.position]:
            earlier.state = StepState.FAILED


def do_step(run: Run, position: int) -> str:
    """Run one step and write down how it went. A step that an earlier try has done is not run again."""
    ctx, step = run.at(position), run.sequence.steps[position]
    begun = begin_step(run, ctx, position)
    if begun != StepState.RUNNING:
        return DONE if begun == StepState.DONE else CANCELLED
    ctx.hooks.checkpoint(f"{step.name} begun")
    try:
        with_attempts(ctx, step.do)
    except Cancelled:
        return CANCELLED
    except PortalError as error:
        return fail(run, ctx, position, error.message, error.params)
    except DATABASE_AWAY:
        raise  # nothing is decided without it: the step is run again
    except Exception as error:
        log.exception("step failed", workflow=ctx.workflow_id, step=step.name)
        return fail(run, ctx, position, UNEXPECTED, {"kind": type(error).__name__})
    ctx.hooks.checkpoint(f"{step.name} done")
    finish_step(run, ctx, position)
    ctx.hooks.checkpoint(f"{step.name} recorded")
    return DONE


def begin_step(run: Run, ctx: Context, position: int) -> StepState:
    """RUNNING: do it. DONE: it is done already. WAITING: it shall not begin any more, what is done shall be undone."""
    with ctx.write() as db:
        workflow, step = rows(db, ctx, position)
        now = ctx.site.clock()
        if workflow.cancel_asked_at is None and step.state == StepState.DONE:
            return StepState.DONE
        workflow.revision += 1
        if workflow.cancel_asked_at is not None or not run.sequence.begun(db, workflow, ctx):
            workflow.cancel_asked_at = workflow.cancel_asked_at or now
            if workflow.state != WorkflowState.CANCELLED:
                workflow.state = WorkflowState.CANCELLING
            return StepState.WAITING
        workflow.state, workflow.started_at = WorkflowState.RUNNING, workflow.started_at or now
        workflow.error, workflow.error_params = None, {}
        if step.state != StepState.RUNNING:  # taken up by the next worker it goes on, else it begins anew
            step.started_at = now
        step.state, step.ended_at = StepState.RUNNING, None
    return StepState.RUNNING


def with_attempts(ctx: Context, work: Callable[[Context], None]) -> None:
    """Something outside that does not answer is asked again twice before the step fails."""
    for attempt in range(1, ATTEMPTS):
        try:
            return work(ctx)
        except (OutsideUnavailable, *DATABASE_AWAY) as error:
            log.warning("step tried again", workflow=ctx.workflow_id, attempt=attempt, reason=str(error))
            ctx.pause(FIRST_WAIT_S * 2 ** (attempt - 1))
    return work(ctx)


def finish_step(run: Run, ctx: Context, position: int) -> None:
    with ctx.write() as db:
        workflow, step = rows(db, ctx, position)
        step.state, step.ended_at = StepState.DONE, ctx.site.clock()
        workflow.done = run.sequence.parts_before(position + 1, run.copies)
        workflow.revision += 1


def fail(run: Run, ctx: Context, position: int, message: str, params: Mapping[str, object]) -> str:
    """Keep what was done: a person reads the sentence and chooses between trying again and rolling back."""
    with ctx.write() as db:
        workflow, step = rows(db, ctx, position)
        now = ctx.site.clock()
        step.state, step.ended_at = StepState.FAILED, now
        workflow.state, workflow.ended_at = WorkflowState.FAILED, now
        workflow.error, workflow.error_params = message, plain(params)
        workflow.revision += 1
        run.sequence.failed(db, workflow, ctx)
    log.warning("workflow failed", workflow=ctx.workflow_id, step=step.name, reason=filled(message, params))
    return FAILED


def undo_step(run: Run, position: int) -> str:
    """Undo one step if it ever began. Trouble is met by trying again; only after that a person is asked."""
    ctx, step = run.at(position, undoing=True), run.sequence.steps[position]
    if state_of(ctx, position) in (StepState.WAITING, StepState.UNDONE):
        return DONE
    ctx.hooks.checkpoint(f"undo {step.name} begun")
    for attempt in range(1, UNDO_ATTEMPTS + 1):
        try:
            if step.undo is not None:
                step.undo(ctx)
            break
        except Exception as error:
            log.exception("undo failed", workflow=ctx.workflow_id, step=step.name, attempt=attempt)
            if attempt == UNDO_ATTEMPTS and isinstance(error, DATABASE_AWAY):
                raise
            if attempt == UNDO_ATTEMPTS:
                return fail_undo(run, ctx, position, error)
            ctx.pause(FIRST_WAIT_S * 2 ** (attempt - 1))
    ctx.hooks.checkpoint(f"undo {step.name} done")
    with ctx.write() as db:
        workflow, row = rows(db, ctx, position)
        row.state, row.ended_at = StepState.UNDONE, ctx.site.clock()
        workflow.done = run.sequence.parts_before(position, run.copies)
        workflow.revision += 1
    return DONE


def fail_undo(run: Run, ctx: Context, position: int, error: Exception) -> str:
    if isinstance(error, PortalError):
        reason = inner(error.message, error.params)
    else:
        reason = inner(UNEXPECTED, {"kind": type(error).__name__})
    message = N_("Cleaning up did not succeed: %(reason)s Roll back again once the cause is removed.")
    return fail(run, ctx, position, message, {"reason": reason})


def give_up(site: Site, sequence: Sequence, *, workflow_id: str, subject_id: UUID, error: BaseException) -> str:
    """Fail a workflow that was interrupted over and over, for a person to look at. Nothing else would end it."""
    with site.write_sessions.begin() as db:
        workflow = db.get_one(Workflow, workflow_id, with_for_update=True)
        if workflow.state not in LIVE:
            return str(workflow.state)
        now = site.clock()
        for step in steps_of(db, workflow_id):
            if step.state == StepState.RUNNING:
                step.state, step.ended_at = StepState.FAILED, now
        workflow.state, workflow.ended_at = WorkflowState.FAILED, now
        workflow.error, workflow.error_params = UNEXPECTED, {"kind": type(error).__name__}
        workflow.revision += 1
        db.flush()
        tell_failed(db, sequence, workflow, Context(site, workflow_id, subject_id, workflow.fencing))
    log.error("workflow given up", workflow=workflow_id, reason=repr(error))
    return FAILED


def tell_failed(db: Session, sequence: Sequence, workflow: Workflow, ctx: Context) -> None:
    """What is wrong with the workflow may be wrong with this too; it must be given up nevertheless."""
    try:
        with db.begin_nested():
            sequence.failed(db, workflow, ctx)
    except (PortalError, SQLAlchemyError):
        log.exception("subject could not be told of the failure", workflow=workflow.id)


def state_of(ctx: Context, position: int) -> StepState:
    with ctx.site.sessions() as db:
        return rows(db, ctx, position)[1].state


def end(run: Run, state: WorkflowState) -> str:
    ctx = run.context
    with ctx.write() as db:
        workflow = db.get_one(Workflow, ctx.workflow_id)
        if workflow.state != state:
            workflow.state, workflow.ended_at = state, ctx.site.clock()
            workflow.done = workflow.total if state == WorkflowState.DONE else 0
            workflow.revision += 1
        if state == WorkflowState.CANCELLED:
            run.sequence.cancelled(db, workflow, ctx)
    log.info("workflow ended", workflow=ctx.workflow_id, state=str(state))
    return str(state)


def rows(db: Session, ctx: Context, position: int) -> tuple[Workflow, WorkflowStep]:
    workflow = db.get_one(Workflow, ctx.workflow_id)
    return workflow, next(step for step in steps_of(db, ctx.workflow_id) if step.position == position)
