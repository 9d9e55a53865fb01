"""What keeps a kept seat beyond its time: an open request for an own machine that needs its disk."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, NoCapacity
from portal.core.lifecycle import VmRequestState, WorkflowState
from portal.interfaces import WorkflowQueue
from portal.models import Keeping, LabSession, OwnMachine, VmRequest, Workflow
from portal.services import keepings, notices, vm_requests, workflows
from portal.services.audit import record, subject_of
from portal.services.keepings import Terms, note
from portal.services.orders import OPEN

BEYOND = timedelta(days=7)  # the most that an open request holds a seat beyond the days that the house allows
TRIED_AGAIN_AFTER = timedelta(minutes=5)
HELD = N_("An own machine was asked for with a disk of this seat. Wait until it runs, or cancel that request first.")
TIME_OVER = N_("It was not made while the seat was kept, whose disk it needed.")


def open_of(db: Session, keeping_id: UUID) -> list[OwnMachine]:
    """Requests that are neither fulfilled, denied nor cancelled; a failed one can be tried again."""
    query = select(OwnMachine).join(VmRequest, VmRequest.id == OwnMachine.vm_request_id)
    return list(db.scalars(query.where(OwnMachine.keeping_id == keeping_id, VmRequest.state.in_(OPEN))))


def is_held(db: Session, keeping_id: UUID) -> bool:
    return bool(open_of(db, keeping_id))


def is_copying(db: Session, seat_id: UUID) -> bool:
    """A machine of this seat may be off because its disk is being copied: it must not boot now."""
    query = select(OwnMachine.vm_request_id).join(Keeping, Keeping.id == OwnMachine.keeping_id)
    query = query.join(VmRequest, VmRequest.id == OwnMachine.vm_request_id)
    copying = (OwnMachine.copied_at.is_(None), VmRequest.state == VmRequestState.PROVISIONING)
    return db.scalar(query.where(Keeping.seat_id == seat_id, *copying).limit(1)) is not None


def hold(db: Session, keeping: Keeping, *, terms: Terms, queue: WorkflowQueue, now: datetime, base_url: str) -> bool:
    """The keeping's time is over: whether it goes on for a request that still needs its disk.

    It goes on for a day at a time, if its room is proven for it; else such requests are cancelled.
    """
    waiting = [one for one in open_of(db, keeping.id) if one.copied_at is None]
    if not waiting:
        return False
    given_up = any(one.given_up_at is not None for one in waiting)
    if not given_up and move_along(db, keeping, terms=terms, now=now):
        return True
    for one in waiting:
        give_up(db, one, queue=queue, now=now, base_url=base_url)
    return any(one.is_open for one in waiting)


def longest(lab_session: LabSession, most_days: int) -> datetime:
    """A seat of this class is held until then, whoever waits for its disk."""
    return lab_session.ends_at + timedelta(days=most_days) + BEYOND


def move_along(db: Session, keeping: Keeping, *, terms: Terms, now: datetime) -> bool:
    lab_session = db.get_one(LabSession, keeping.lab_session_id)
    days = (now - lab_session.ends_at).days + 1
    if lab_session.ends_at + timedelta(days=days) > longest(lab_session, terms.most_days):
        return False
    try:
        keepings.prove(db, keeping, lab_session, days, terms, now)
    except NoCapacity:
        return False
    keeping.until_at = lab_session.ends_at + timedelta(days=days)
    note(db, keeping, "keeping.held", by=None, now=now, days=days)
    lab_session.show_change()
    return True


def give_up(db: Session, own: OwnMachine, *, queue: WorkflowQueue, now: datetime, base_url: str) -> None:
    """Cancelled, and its owner is told why; work on it stops and cleans up first, tried until it is so."""
    stop(db, own.vm_request, queue=queue, now=now)
    if own.given_up_at is None:
        own.given_up_at = now
        subject = subject_of(own.vm_request)
        record(db, actor=None, action="vm_request.cancel_asked", subject=subject, now=now, reason=TIME_OVER)
        notices.tell_seat_over(db, vm_request=own.vm_request, now=now, base_url=base_url)


def stop(db: Session, vm_request: VmRequest, *, queue: WorkflowQueue, now: datetime) -> None:
    workflow = db.get(Workflow, vm_request.workflow_id) if vm_request.workflow_id else None
    if workflow is None:
        vm_requests.close_unstarted(db, vm_request)
    elif workflow.state == WorkflowState.FAILED:
        if workflow.ended_at is None or workflow.ended_at + TRIED_AGAIN_AFTER <= now:
            again = workflows.roll_back(db, workflow_id=workflow.id, queue=queue, now=now)
            vm_requests.put_under_way(vm_request, again)
    elif workflow.state in workflows.LIVE and workflow.cancel_asked_at is None:
        stopped = workflows.ask_cancel(db, workflow_id=workflow.id, now=now)
        if stopped.state == WorkflowState.CANCELLED:
            vm_requests.close_unbegun(db, vm_request)
