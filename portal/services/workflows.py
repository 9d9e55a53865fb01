"""Workflows as people meet them: begun, watched, cancelled, tried again, rolled back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotFound
from portal.core.lifecycle import StepState, VmRequestState, WorkflowState
from portal.core.naming import vm_names
from portal.core.progress import MANY, StepTime, percent, seconds_left, typical_seconds
from portal.interfaces import WorkflowQueue
from portal.models import Job, JobLine, Vm, VmRequest, Workflow, WorkflowStep
from portal.models.vm_requests import VmRequestKind

LIVE = (WorkflowState.WAITING, WorkflowState.RUNNING, WorkflowState.CANCELLING)
LINES_AT_ONCE = 500
DATED_AT_ONCE = 20
FIRST_HOUR = 1  # midnight itself may come twice, or not at all, when the clocks change


@dataclass(frozen=True)
class StepView:
    """`name` is a msgid: pages translate it."""

    name: str
    state: StepState
    started_at: datetime | None
    ended_at: datetime | None
    detail: str


@dataclass(frozen=True)
class CopyView:
    """One machine of the request. Before its row exists the state is "waiting". `message` is a msgid."""

    name: str
    state: str
    message: str
    message_params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """`error` is a msgid filled by `error_params`. `revision` grows with each visible change."""

    workflow_id: str
    state: WorkflowState
    done: int
    total: int
    step: str
    steps: tuple[StepView, ...]
    percent: int
    seconds_left: int | None
    error: str | None
    error_params: Mapping[str, Any]
    revision: int
    copies: tuple[CopyView, ...]


def begin(
    db: Session, *, kind: str, subject_id: UUID, queue: WorkflowQueue, now: datetime, clean_up: bool = False
) -> Workflow:
    """Record a workflow and put it in the queue, in the caller's transaction. One at a time for each subject."""
    lock_request(db, subject_id)
    latest = latest_of(db, subject_id)
    if is_under_way(db, subject_id):
        raise Conflict(N_("Work on this is already under way."))
    count = db.scalar(
        select(func.count()).select_from(Workflow).where(Workflow.subject_id == subject_id, Workflow.kind == kind)
    )
    workflow = Workflow(id=f"{kind}-{subject_id}-{(count or 0) + 1}", kind=kind, subject_id=subject_id, created_at=now)
    if latest is not None:
        workflow.fencing = latest.fencing + 1
    db.add(workflow)
    db.flush()
    queue.enqueue(db, workflow=kind, workflow_id=workflow.id, subject_id=str(subject_id), clean_up=clean_up)
    return workflow


def lock_request(db: Session, subject_id: UUID) -> None:
    """Until the transaction ends nobody else begins anything on this request or its machines."""
    of_machine = select(Vm.vm_request_id).where(Vm.id == subject_id)
    subject = or_(VmRequest.id == subject_id, VmRequest.id.in_(of_machine))
    db.execute(select(VmRequest.id).where(subject).with_for_update())


def is_under_way(db: Session, subject_id: UUID) -> bool:
    """True while anything changes this request, its machines, or this machine and its request.

    Two workflows on one machine would take it from each other by their fencing numbers.
    """
    of_machine = select(Vm.vm_request_id).where(Vm.id == subject_id)
    of_request = select(Vm.id).where(Vm.vm_request_id == subject_id)
    related = or_(
        Workflow.subject_id == subject_id, Workflow.subject_id.in_(of_machine), Workflow.subject_id.in_(of_request)
    )
    return db.scalars(select(Workflow.id).where(related, Workflow.state.in_(LIVE)).limit(1)).first() is not None


def is_live(db: Session, workflow_id: str | None) -> bool:
    workflow = db.get(Workflow, workflow_id) if workflow_id else None
    return workflow is not None and workflow.state in LIVE


def ask_cancel(db: Session, *, workflow_id: str, now: datetime) -> Workflow:
    """Ask a workflow to stop and clean up; it does so at its next safe point. Asking twice is fine.

    One that has not begun is over at once, however many others are before it. What was handed over is not taken back:
    the row's lock says which of the two came first.
    """
    db.flush()
    workflow = db.get(Workflow, workflow_id, with_for_update=True, populate_existing=True)
    if workflow is None:
        raise NotFound(N_("This work is not known."))
    if workflow.state not in LIVE or is_handed_over(db, workflow):
        raise Conflict(N_("This work has already ended."))
    if workflow.cancel_asked_at is None:
        workflow.cancel_asked_at = now
        workflow.revision += 1
        if has_begun(db, workflow):
            workflow.state = WorkflowState.CANCELLING
        else:
            workflow.state, workflow.ended_at = WorkflowState.CANCELLED, now
    return workflow


def is_handed_over(db: Session, workflow: Workflow) -> bool:
    """True for a moment only: the request is fulfilled, and the last step is not written down yet."""
    state = db.scalar(select(VmRequest.state).where(VmRequest.id == workflow.subject_id))
    return state == VmRequestState.FULFILLED


def has_begun(db: Session, workflow: Workflow) -> bool:
    """Also by an earlier workflow that this one goes on with."""
    return workflow.started_at is not None or any(step.state != StepState.WAITING for step in steps_of(db, workflow.id))


def retry(db: Session, *, workflow_id: str, queue: WorkflowQueue, now: datetime) -> Workflow:
    """Begin again at the step that failed: a new workflow that knows what the failed one had done."""
    return begin_after(db, load(db, workflow_id), queue=queue, now=now)


def roll_back(db: Session, *, workflow_id: str, queue: WorkflowQueue, now: datetime) -> Workflow:
    """Undo what a failed workflow has done: a new workflow that is cancelled from its first moment."""
    workflow = begin_after(db, load(db, workflow_id), queue=queue, now=now, clean_up=True)
    workflow.cancel_asked_at = now
    workflow.state = WorkflowState.CANCELLING
    return workflow


def begin_after(
    db: Session, failed: Workflow, *, queue: WorkflowQueue, now: datetime, clean_up: bool = False
) -> Workflow:
    lock_request(db, failed.subject_id)
    newest = latest_of(db, failed.subject_id)
    if failed.state != WorkflowState.FAILED or newest is None or newest.id != failed.id:
        raise Conflict(N_("Only work that has failed can be tried again or rolled back."))
    workflow = begin(db, kind=failed.kind, subject_id=failed.subject_id, queue=queue, now=now, clean_up=clean_up)
    workflow.done, workflow.total = failed.done, failed.total
    for step in steps_of(db, failed.id):
        db.add(
            WorkflowStep(
                workflow_id=workflow.id,
                position=step.position,
                name=step.name,
                state=step.state,
                started_at=step.started_at,
                ended_at=step.ended_at,
                detail=step.detail,
            )
        )
    db.flush()
    return workflow


def load(db: Session, workflow_id: str) -> Workflow:
    workflow = db.get(Workflow, workflow_id)
    if workflow is None:
        raise NotFound(N_("This work is not known."))
    return workflow


def latest_of(db: Session, subject_id: UUID) -> Workflow | None:
    """The newest workflow of a request or machine."""
    query = select(Workflow).where(Workflow.subject_id == subject_id)
    return db.scalars(query.order_by(Workflow.created_at.desc(), Workflow.id.desc()).limit(1)).first()


def work_on(db: Session, vm_id: UUID, now: datetime) -> Progress | None:
    """How the work on a machine itself stands, while there is any: it is being given back."""
    latest = latest_of(db, vm_id)
    return progress_of(db, latest.id, now) if latest is not None and latest.state in LIVE else None


def steps_of(db: Session, workflow_id: str) -> list[WorkflowStep]:
    query = select(WorkflowStep).where(WorkflowStep.workflow_id == workflow_id)
    return list(db.scalars(query.order_by(WorkflowStep.position)))


def progress_of(db: Session, subject: VmRequest | str, now: datetime) -> Progress | None:
    """How a request's newest workflow (or the workflow of that id) stands; None before there is one."""
    workflow = db.get(Workflow, subject) if isinstance(subject, str) else latest_of(db, subject.id)
    if workflow is None:
        return None
    steps = steps_of(db, workflow.id)
    times = [StepTime(step.name, step.state, step.started_at, step.ended_at) for step in steps]
    live = workflow.state in (WorkflowState.WAITING, WorkflowState.RUNNING)
    vm_request = subject if isinstance(subject, VmRequest) else db.get(VmRequest, workflow.subject_id)
    return Progress(
        workflow_id=workflow.id,
        state=workflow.state,
        done=workflow.done,
        total=workflow.total,
        step=current_step(steps),
        steps=tuple(StepView(step.name, step.state, step.started_at, step.ended_at, step.detail) for step in steps),
        percent=percent(workflow.done, workflow.total),
        seconds_left=seconds_left(times, experience(db, workflow), now) if live else None,
        error=workflow.error,
        error_params=workflow.error_params,
        revision=workflow.revision,
        copies=copies_of(db, vm_request) if vm_request else (),
    )


def current_step(steps: list[WorkflowStep]) -> str:
    """The step that runs or failed; else the first that waits; else the last."""
    for states in ((StepState.RUNNING, StepState.FAILED), (StepState.WAITING,)):
        for step in steps:
            if step.state in states:
                return step.name
    return steps[-1].name if steps else ""


def experience(db: Session, workflow: Workflow) -> dict[str, float]:
    """What each step took in the newest runs that went well: those with as many copies, else any of this kind.

    Only machines of the same template tell how long a request takes: one boots in seconds, another in minutes.
    """
    like = [Workflow.kind == workflow.kind]
    template = db.scalar(select(VmRequest.template_slug).where(VmRequest.id == workflow.subject_id))
    if template is not None:
        like.append(Workflow.subject_id.in_(select(VmRequest.id).where(VmRequest.template_slug == template)))
    alike = runs_like(db, *like, Workflow.total == workflow.total)
    return alike or runs_like(db, *like)


def runs_like(db: Session, *conditions: ColumnElement[bool]) -> dict[str, float]:
    newest = (
        select(Workflow.id)
        .where(Workflow.state == WorkflowState.DONE, *conditions)
        .order_by(Workflow.ended_at.desc())
        .limit(MANY)
    )
    steps = db.scalars(select(WorkflowStep).where(WorkflowStep.workflow_id.in_(newest)))
    return typical_seconds([[StepTime(step.name, step.state, step.started_at, step.ended_at) for step in steps]])


def copies_of(db: Session, vm_request: VmRequest) -> tuple[CopyView, ...]:
    vms = {vm.position: vm for vm in db.scalars(select(Vm).where(Vm.vm_request_id == vm_request.id))}
    return tuple(
        CopyView(
            vms[position].name, str(vms[position].state), vms[position].state_reason, vms[position].state_reason_params
        )
        if position in vms
        else CopyView(name, "waiting", "")
        for position, name in enumerate(vm_names(vm_request.name, vm_request.copies))
    )


def lines(db: Session, workflow_id: str, after_id: int = 0) -> list[JobLine]:
    """What the playbooks of a workflow have said since `after_id`, oldest first, so many at once."""
    query = (
        select(JobLine)
        .join(Job, Job.id == JobLine.job_id)
        .where(Job.workflow_id == workflow_id, JobLine.id > after_id)
        .order_by(JobLine.id)
    )
    return list(db.scalars(query.limit(LINES_AT_ONCE)))


def bump(db: Session, workflow_id: str) -> None:
    """Tell the live pages that something changed."""
    db.execute(update(Workflow).where(Workflow.id == workflow_id).values(revision=Workflow.revision + 1))


def start_dated(db: Session, *, queue: WorkflowQueue, now: datetime, timezone: str) -> int:
    """Begin the work of approved requests whose first day has come; from one o'clock of that local day on."""
    local = now.astimezone(ZoneInfo(timezone))
    if local.hour < FIRST_HOUR:
        return 0
    due = select(VmRequest).where(
        VmRequest.state == VmRequestState.APPROVED,
        VmRequest.kind == VmRequestKind.MACHINES,
        VmRequest.starts_on <= local.date(),
        ~select(Workflow.id).where(Workflow.subject_id == VmRequest.id).exists(),
    )
    # whoever cancels one in this moment has it locked
    waiting = list(db.scalars(due.limit(DATED_AT_ONCE).with_for_update(of=VmRequest, skip_locked=True)))
    for vm_request in waiting:
        vm_request.workflow_id = begin(db, kind="provision", subject_id=vm_request.id, queue=queue, now=now).id
    return len(waiting)
