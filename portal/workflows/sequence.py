"""What a sequence is, and what each of its steps is handed: the site, its subject, its fencing number."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from portal.core.errors import N_, Cancelled
from portal.core.lifecycle import VmState
from portal.models import Vm, Workflow, WorkflowStep
from portal.site import Site

LOOK_EVERY_S = 0.5  # how often a waiting step asks whether somebody cancelled it


class Fenced(BaseException):
    """Another worker has taken this workflow over while we were not looking; whatever we do now would be twice.

    Not an Exception, as Stopping: no step may take it for trouble of its own, and the engine records nothing.
    """


class Stopping(BaseException):
    """This worker is being stopped: the step ends here, unrecorded, and is run again by the next worker."""


@dataclass
class Watch:
    """Remembers for a moment whether somebody asked to stop, so that asking often costs little."""

    asked_at: float = 0.0
    answer: bool = False


@dataclass(frozen=True)
class Hooks:
    """What the running worker hands in. `checkpoint` is called at the border of each step; tests make it fatal."""

    stopping: Callable[[], bool] = lambda: False
    checkpoint: Callable[[str], None] = lambda place: None
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Context:
    """What a step may use. `fencing` is this run's number: whoever takes the workflow over gets a higher one."""

    site: Site
    workflow_id: str
    subject_id: UUID
    fencing: int
    hooks: Hooks = field(default_factory=Hooks)
    undoing: bool = False
    position: int = 0  # of the present step
    first_part: int = 0  # parts done before this step
    watch: Watch = field(default_factory=Watch)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A short transaction that only the workflow's present owner gets; it is committed at the end."""
        with self.site.write_sessions.begin() as db:
            hold_fence(db, self.workflow_id, self.subject_id, self.fencing)
            yield db

    def check_fencing(self) -> None:
        """Raise Fenced unless we are still the owner: called right before each effect outside the database."""
        with self.site.sessions() as db:
            hold_fence(db, self.workflow_id, self.subject_id, self.fencing, lock=False)

    def cancelled(self) -> bool:
        """True when the step should end soon, because a person asked for it or the worker is being stopped."""
        return self.hooks.stopping() or (not self.undoing and self.cancel_asked())

    def cancel_asked(self) -> bool:
        if not self.watch.answer and time.monotonic() - self.watch.asked_at >= LOOK_EVERY_S:
            with self.site.sessions() as db:
                asked_at = db.scalar(select(Workflow.cancel_asked_at).where(Workflow.id == self.workflow_id))
            self.watch.answer, self.watch.asked_at = asked_at is not None, time.monotonic()
        return self.watch.answer

    def check(self) -> None:
        """Raise Cancelled or Stopping if the step should end now."""
        if self.hooks.stopping():
            raise Stopping
        if not self.undoing and self.cancel_asked():
            raise Cancelled(N_("This was cancelled."))

    def check_under_lock(self, db: Session) -> None:
        """Raise Cancelled if somebody asked for it; until `write` ends nobody can."""
        if db.scalar(select(Workflow.cancel_asked_at).where(Workflow.id == self.workflow_id)) is not None:
            raise Cancelled(N_("This was cancelled."))

    def pause(self, seconds: float) -> None:
        """Wait, and wake up early when the step should end."""
        while seconds > 0:
            self.check()
            self.hooks.pause(min(seconds, LOOK_EVERY_S))
            seconds -= LOOK_EVERY_S
        self.check()

    def mark_once(self, db: Session, mark: str) -> bool:
        """True the first time only: for effects in the database that must not be there twice."""
        query = select(WorkflowStep).where(
            WorkflowStep.workflow_id == self.workflow_id, WorkflowStep.position == self.position
        )
        step = db.scalars(query).one()
        if step.detail == mark:
            return False
        step.detail = mark
        return True

    def report(self, db: Session, parts: int) -> None:
        """Say how many parts (copies) of this step are done, in the transaction that did them."""
        db.execute(
            update(Workflow)
            .where(Workflow.id == self.workflow_id)
            .values(done=self.first_part + parts, revision=Workflow.revision + 1)
        )


@dataclass(frozen=True)
class Step:
    """`name` is shown to people (a msgid). `per_copy` steps report their progress copy by copy.

    When it failed and is tried again, so are the `again` steps before it: they look before they act, and put right
    what has changed on the hosts since they were done.
    """

    name: str
    do: Callable[[Context], None]
    undo: Callable[[Context], None] | None = None
    per_copy: bool = False
    again: int = 0


@dataclass(frozen=True)
class Sequence:
    """`begun`, `failed` and `cancelled` write what that means for the subject, in the same transaction.

    `begun` is asked before each step and answers False when nobody wants the work any more.
    """

    name: str
    steps: tuple[Step, ...]
    copies: Callable[[Session, UUID], int]
    begun: Callable[[Session, Workflow, Context], bool]
    failed: Callable[[Session, Workflow, Context], None]
    cancelled: Callable[[Session, Workflow, Context], None]

    def parts(self, position: int, copies: int) -> int:
        return copies if self.steps[position].per_copy else 1

    def parts_before(self, position: int, copies: int) -> int:
        return sum(self.parts(earlier, copies) for earlier in range(position))


def vms_of(db: Session, subject_id: UUID) -> list[Vm]:
    """The machines a workflow is about: those of the request, or the one machine."""
    query = select(Vm).where(or_(Vm.vm_request_id == subject_id, Vm.id == subject_id))
    return list(db.scalars(query.order_by(Vm.position)))


def living_vms_of(db: Session, subject_id: UUID) -> list[Vm]:
    """Without those that were given back already."""
    return [vm for vm in vms_of(db, subject_id) if vm.state != VmState.RETIRED]


def hold_fence(db: Session, workflow_id: str, subject_id: UUID, fencing: int, *, lock: bool = True) -> None:
    """Raise Fenced unless this is still the workflow's number, and that of its machines.

    With the lock nobody can take the workflow over before this transaction has ended.
    """
    query = select(Workflow.fencing).where(Workflow.id == workflow_id)
    present = db.scalar(query.with_for_update() if lock else query)
    newest = max((vm.fencing for vm in vms_of(db, subject_id)), default=0)
    if present != fencing or newest > fencing:
        raise Fenced(f"workflow {workflow_id} has fencing number {present}, machines {newest}, we have {fencing}")
