"""How work has moved on, for many live pages in one look: two queries, whoever watches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.lifecycle import VmRequestState, WorkflowState
from portal.models import VmRequest, Workflow

CLOSED_REQUESTS = frozenset({VmRequestState.DENIED, VmRequestState.CANCELLED, VmRequestState.FULFILLED})
ENDED_WORK = frozenset({WorkflowState.DONE, WorkflowState.FAILED, WorkflowState.CANCELLED})


@dataclass(frozen=True)
class Pulse:
    """Two pulses that differ mean that the page has something new to show. `ended`: nothing more will come."""

    revision: int
    ended: bool
    workflow_id: str | None
    state: str


def pulses(db: Session, subjects: Collection[UUID]) -> Mapping[UUID, Pulse]:
    """For each request or machine: where its newest workflow is, or the request while it has none."""
    requests = select(VmRequest.id, VmRequest.state).where(VmRequest.id.in_(subjects))
    states: dict[UUID, VmRequestState] = {row.id: row.state for row in db.execute(requests)}
    found = {subject: without_work(states.get(subject)) for subject in subjects}
    work = (
        select(Workflow.subject_id, Workflow.id, Workflow.revision, Workflow.state)
        .where(Workflow.subject_id.in_(subjects))
        .order_by(Workflow.created_at, Workflow.id)
    )
    for row in db.execute(work):  # the newest of a subject comes last and stays
        ended = row.state in ENDED_WORK
        found[row.subject_id] = Pulse(row.revision, ended, row.id, str(row.state))
    return found


def without_work(state: VmRequestState | None) -> Pulse:
    return Pulse(0, state in CLOSED_REQUESTS, None, str(state or ""))
