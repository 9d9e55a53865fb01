"""Keeping a machine longer: at once within policy, by a decision beyond it, not at all once it is given back.

Whoever changes a lease holds the machine's row: its end, its retirement and its extension decide about each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from portal.core import lease
from portal.core.errors import N_, Conflict, Invalid
from portal.core.lease import DEFAULT_TIMEZONE, end_of_day, local_day
from portal.core.lifecycle import VmRequestState, VmState
from portal.core.policy import Actor
from portal.models import Vm, VmRequest
from portal.models.vm_requests import VmRequestKind
from portal.services import accounts, notices
from portal.services.audit import record, subject_of
from portal.services.orders import decided_spec, policy_of
from portal.services.parking import keep_until
from portal.services.vm_access import again, check_no_work, manageable


@dataclass(frozen=True)
class Extended:
    """The lease was extended at once, within policy."""

    vm: Vm
    ends_on: date


def extend(
    db: Session,
    *,
    actor: Actor,
    vm_id: UUID,
    ends_on: date,
    now: datetime,
    reason: str = "",
    timezone: str = DEFAULT_TIMEZONE,
    base_url: str = "",
) -> Extended | VmRequest:
    """Within policy at once; beyond it a request (which needs a reason) goes to the approvers."""
    manageable(db, actor, vm_id)
    vm = again(db, vm_id)
    check_no_work(db, vm)
    today, present_end = local_day(now, timezone), local_day(vm.expires_at, timezone)
    if ends_on <= present_end:
        raise Invalid(N_("The machine is kept until %(day)s anyway."), field="ends_on", day=present_end.isoformat())
    if (ends_on - today).days > 2 * 365:
        raise Invalid(N_("This is more than two years away."), field="ends_on")
    if ends_on < today:
        raise Invalid(N_("The last day is already over."), field="ends_on")
    if ends_on > last_day_at_once(db, vm, now=now, timezone=timezone):
        return ask_extension(db, actor=actor, vm=vm, ends_on=ends_on, reason=reason, now=now, base_url=base_url)
    keep_until(vm, end_of_day(ends_on, timezone), now)
    details = {"from": present_end.isoformat(), "to": ends_on.isoformat()}
    record(db, actor=actor, action="vm.extended", subject=subject_of(vm), now=now, reason=reason, details=details)
    return Extended(vm, ends_on)


def last_day_at_once(db: Session, vm: Vm, *, now: datetime, timezone: str = DEFAULT_TIMEZONE) -> date:
    """The last day that nobody has to decide about; it may be over."""
    today = local_day(now, timezone)
    policy = policy_of(decided_spec(db.get_one(VmRequest, vm.vm_request_id), vm.template_version), today)
    return lease.last_day_at_once(created_on=local_day(vm.created_at, timezone), today=today, policy=policy)


def ask_extension(
    db: Session, *, actor: Actor, vm: Vm, ends_on: date, reason: str, now: datetime, base_url: str
) -> VmRequest:
    """Beyond policy somebody else decides. The machine keeps its capacity, so nothing is claimed."""
    if not 3 <= len(reason.strip()) <= 2000:
        raise Invalid(N_("So long a time needs a decision: please say why you need it."), field="reason")
    if waiting_for(db, vm.id):
        raise Conflict(N_("A longer time for this machine was asked for already."))
    vm_request = VmRequest(
        kind=VmRequestKind.EXTENSION,
        vm_id=vm.id,
        department_id=vm.department_id,
        submitted_by_id=actor.account_id,
        submitted_at=now,
        template_slug=vm.template_version.template_slug,
        size="",
        name=vm.name[:40],
        copies=1,
        vcpus=vm.vcpus,
        memory_mib=vm.memory_mib,
        disk_gib=vm.disk_gib,
        purpose=reason.strip(),
        ends_on=ends_on,
        wanted={"ends_on": ends_on.isoformat()},
    )
    db.add(vm_request)
    db.flush()
    details = {"vm_id": str(vm.id), "ends_on": ends_on.isoformat()}
    record(
        db, actor=actor, action="vm.extension_asked", subject=subject_of(vm_request), now=now, reason=reason,
        details=details,
    )  # fmt: skip
    approvers = accounts.approvers_of(db, vm.department_id, but=actor.account_id)
    notices.tell_submitted(db, vm_request=vm_request, approvers=approvers, now=now, base_url=base_url)
    return vm_request


def grant(db: Session, vm_request: VmRequest, *, by: Actor, now: datetime, timezone: str) -> None:
    """What was asked and approved. It stands in the machine's history too."""
    vm = db.get(Vm, vm_request.vm_id)
    if vm is None or vm.state == VmState.RETIRED:
        raise Conflict(N_("This machine was given back meanwhile."))
    vm = again(db, vm.id)
    check_no_work(db, vm)
    before = vm.expires_at
    keep_until(vm, max(before, end_of_day(vm_request.ends_on, timezone)), now)
    vm_request.move_to(VmRequestState.FULFILLED)
    vm_request.fulfilled_at = now
    days = [local_day(moment, timezone).isoformat() for moment in (before, vm.expires_at)]
    record(
        db, actor=by, action="vm.extended", subject=subject_of(vm), now=now, reason=vm_request.decision_comment,
        details={"from": days[0], "to": days[1], "vm_request_id": str(vm_request.id)},
    )  # fmt: skip


def waiting_for(db: Session, vm_id: UUID) -> Sequence[VmRequest]:
    """Extensions that nobody has decided on."""
    query = select(VmRequest).where(
        VmRequest.vm_id == vm_id,
        VmRequest.kind == VmRequestKind.EXTENSION,
        VmRequest.state == VmRequestState.SUBMITTED,
    )
    return db.scalars(query).all()


def close_waiting(db: Session, vm_id: UUID, *, actor: Actor, now: datetime, base_url: str) -> None:
    """The machine is given back, so there is nothing left to decide. Who asked is told, unless they did it."""
    for vm_request in waiting_for(db, vm_id):
        closed = db.execute(
            update(VmRequest)
            .where(VmRequest.id == vm_request.id, VmRequest.state == VmRequestState.SUBMITTED)
            .values(state=VmRequestState.CANCELLED)
            .execution_options(synchronize_session=False)
        )
        db.refresh(vm_request)
        if not isinstance(closed, CursorResult) or closed.rowcount != 1:
            continue  # decided in this moment
        record(db, actor=actor, action="vm_request.cancelled", subject=subject_of(vm_request), now=now)
        if vm_request.submitted_by_id != actor.account_id:
            notices.tell_no_longer_needed(db, vm_request=vm_request, now=now, base_url=base_url)
