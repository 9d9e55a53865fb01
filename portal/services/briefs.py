"""Many requests at once, in short: their machines and how far their work is, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import Vm, Workflow, WorkflowStep
from portal.services.workflows import current_step


@dataclass(frozen=True)
class Brief:
    """How far the newest work for a request is. `step` is the step that runs, failed or comes next."""

    done: int
    total: int
    step: str


def machines_of(db: Session, vm_request_ids: Collection[UUID]) -> Mapping[UUID, list[Vm]]:
    """The machines of each request, in order."""
    found: dict[UUID, list[Vm]] = {vm_request_id: [] for vm_request_id in vm_request_ids}
    query = select(Vm).where(Vm.vm_request_id.in_(vm_request_ids)).order_by(Vm.vm_request_id, Vm.position)
    for vm in db.scalars(query).unique():
        found[vm.vm_request_id].append(vm)
    return found


def briefs_of(db: Session, vm_request_ids: Collection[UUID]) -> Mapping[UUID, Brief]:
    """Only requests whose work was begun are in the answer."""
    work = select(Workflow).where(Workflow.subject_id.in_(vm_request_ids)).order_by(Workflow.created_at, Workflow.id)
    newest = {workflow.subject_id: workflow for workflow in db.scalars(work)}  # the last of a subject stays
    steps: dict[str, list[WorkflowStep]] = {workflow.id: [] for workflow in newest.values()}
    of_these = select(WorkflowStep).where(WorkflowStep.workflow_id.in_(steps)).order_by(WorkflowStep.position)
    for step in db.scalars(of_these):
        steps[step.workflow_id].append(step)
    return {
        subject: Brief(workflow.done, workflow.total, current_step(steps[workflow.id]))
        for subject, workflow in newest.items()
    }
