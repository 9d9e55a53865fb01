"""Decisions: approving or denying, once and never one's own."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from portal.core.errors import N_, AlreadyDecided, Invalid, NotAllowed, NotFound, OwnRequest
from portal.core.lease import DEFAULT_TIMEZONE, local_day
from portal.core.lifecycle import VmRequestState
from portal.core.policy import Actor, Permission
from portal.core.templates import AS_THE_SIZE_SAYS, Quantities
from portal.interfaces import WorkflowQueue
from portal.models import VmRequest
from portal.models.vm_requests import VmRequestKind
from portal.services import claims, extensions, notices, own_machines, workflows
from portal.services.approval_changes import check_names, check_room, fix_version, move_quantities, shorten, take_less
from portal.services.audit import record, subject_of
from portal.services.vm_requests import may_see

LONGEST_REASON = 2000


def decidable(db: Session, actor: Actor, vm_request_id: UUID) -> VmRequest:
    """The request, if this person may decide on it. Whether it is still undecided is asked by `decide`."""
    vm_request = db.get(VmRequest, vm_request_id)
    if vm_request is None or not may_see(actor, vm_request):
        raise NotFound(N_("There is no such request."))
    if vm_request.submitted_by_id == actor.account_id:
        raise OwnRequest(N_("Nobody decides on their own request."))
    if not actor.may(Permission.APPROVE, vm_request.department_id):
        raise NotAllowed(N_("You may not decide for this department."))
    return vm_request


def decide(
    db: Session, vm_request: VmRequest, *, actor: Actor, state: VmRequestState, comment: str, now: datetime
) -> None:
    """Win the decision or raise AlreadyDecided: of many at the same moment, one changes the row."""
    won = db.execute(
        update(VmRequest)
        .where(VmRequest.id == vm_request.id, VmRequest.state == VmRequestState.SUBMITTED)
        .values(state=state, decided_by_id=actor.account_id, decided_at=now, decision_comment=comment)
        .execution_options(synchronize_session=False)
    )
    db.refresh(vm_request)
    if isinstance(won, CursorResult) and won.rowcount == 1:
        return
    if vm_request.decided_by is None or vm_request.decided_at is None:
        raise AlreadyDecided(N_("This request was taken back."))
    raise AlreadyDecided(
        N_("This request was already decided by %(name)s at %(at)s."),
        name=vm_request.decided_by.name,
        at=vm_request.decided_at.isoformat(timespec="minutes"),
    )


def approve(
    db: Session,
    *,
    actor: Actor,
    vm_request_id: UUID,
    queue: WorkflowQueue,
    now: datetime,
    size: str | None = None,
    copies: int | None = None,
    quantities: Quantities = AS_THE_SIZE_SAYS,
    ends_on: date | None = None,
    comment: str = "",
    timezone: str = DEFAULT_TIMEZONE,
    reserve_hosts: int = 1,
    base_url: str = "",
) -> VmRequest:
    """Approve, with less if wished, and queue the work in one transaction: never one without the other.

    Raises OwnRequest, AlreadyDecided (by whom and when), NoCapacity, OverQuota, Invalid beside its field.
    After any of them the caller rolls back.
    """
    vm_request = decidable(db, actor, vm_request_id)
    decide(
        db, vm_request, actor=actor, state=VmRequestState.APPROVED, comment=comment.strip()[:LONGEST_REASON], now=now
    )
    today = local_day(now, timezone)
    shorten(vm_request, ends_on, today)
    if vm_request.kind == VmRequestKind.EXTENSION:
        extensions.grant(db, vm_request, by=actor, now=now, timezone=timezone)
        notices.tell_extended(db, vm_request=vm_request, by=actor.name, now=now, base_url=base_url)
    else:
        take_less(db, vm_request, size=size, copies=copies)
        move_quantities(db, vm_request, quantities)
        own_machines.check_disk(db, vm_request)
        check_names(db, vm_request)
        check_room(db, vm_request, now=now, reserve_hosts=reserve_hosts)
        fix_version(db, vm_request)
        begin_if_due(db, vm_request, queue=queue, now=now, today=today)
        notices.tell_approved(db, vm_request=vm_request, by=actor.name, now=now, base_url=base_url)
    details = {"size": vm_request.size, "copies": vm_request.copies, "ends_on": vm_request.ends_on.isoformat()}
    details |= {name: value for name, value in asdict(quantities).items() if value is not None}
    record(
        db,
        actor=actor,
        action="vm_request.approved",
        subject=subject_of(vm_request),
        now=now,
        reason=vm_request.decision_comment,
        details={**details, "wanted": vm_request.wanted},
    )
    return vm_request


def begin_if_due(db: Session, vm_request: VmRequest, *, queue: WorkflowQueue, now: datetime, today: date) -> None:
    """Queue the work, unless it is wanted from a later day: see workflows.start_dated."""
    if vm_request.starts_on and vm_request.starts_on > today:
        return
    workflow = workflows.begin(
        db, kind=own_machines.work_for(db, vm_request), subject_id=vm_request.id, queue=queue, now=now
    )
    vm_request.workflow_id = workflow.id


def deny(
    db: Session, *, actor: Actor, vm_request_id: UUID, reason: str, now: datetime, base_url: str = ""
) -> VmRequest:
    """Deny with a reason, which the requester reads. What was claimed is free again."""
    reason = reason.strip()
    vm_request = decidable(db, actor, vm_request_id)
    if not 3 <= len(reason) <= LONGEST_REASON:
        raise Invalid(N_("Please give a reason: the person who asked will read it."), field="reason")
    decide(db, vm_request, actor=actor, state=VmRequestState.DENIED, comment=reason, now=now)
    vm_request.sealed_parameters = None
    claims.release_request(db, vm_request)
    record(db, actor=actor, action="vm_request.denied", subject=subject_of(vm_request), now=now, reason=reason)
    notices.tell_denied(db, vm_request=vm_request, by=actor.name, reason=reason, now=now, base_url=base_url)
    return vm_request
