"""What departments ask for: estimate, submit, find, cancel, retry, roll back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotAllowed, NotFound
from portal.core.flags import Flag, flags_for
from portal.core.lease import DEFAULT_TIMEZONE, local_day
from portal.core.lifecycle import VmRequestState, WorkflowState
from portal.core.naming import MAX_COPIES
from portal.core.policy import Actor, Permission
from portal.core.quota import Amount
from portal.core.templates import spec_to_data
from portal.interfaces import WorkflowQueue
from portal.models import Department, VmRequest, Workflow
from portal.services import accounts, claims, notices, quotas, workflows
from portal.services.audit import record, subject_of
from portal.services.orders import CheckedOrder, Order, check_order, one_of, spec_of
from portal.services.overview import Overview, overview
from portal.services.paging import Page, paginate
from portal.services.sealing import seal

__all__ = [
    "Estimate",
    "Order",
    "Overview",
    "cancel",
    "estimate",
    "get",
    "overview",
    "retry",
    "roll_back",
    "search",
    "submit",
]


@dataclass(frozen=True)
class Estimate:
    """`over` names the measures beyond the quota (core.quota.MEASURE_NAMES); `left_after` may be negative there."""

    takes: Amount
    left_after: Amount
    limit: Amount
    over: tuple[str, ...]
    approvers: tuple[str, ...]
    flags: tuple[Flag, ...]


def estimate(
    db: Session, *, actor: Actor, order: Order, now: datetime, timezone: str = DEFAULT_TIMEZONE
) -> Estimate | None:
    """What an unfinished order would take. None while template or department are not clear.

    A size that is not there counts as the first, so that the panel shows something from the beginning.
    """
    spec = spec_of(db, order.template)
    department = department_of_estimate(db, actor, order.department_id)
    if spec is None or department is None:
        return None
    copies = min(max(order.copies, 1), MAX_COPIES)
    takes = one_of(spec.size(order.size) or spec.sizes[0]) * copies
    quota = quotas.quota_of(db, department)
    return Estimate(
        takes=takes,
        left_after=quota.left_after(takes),
        limit=quota.limit,
        over=quota.over(takes),
        approvers=tuple(one.name for one in accounts.approvers_of(db, department.id, but=actor.account_id, most=3)),
        flags=flags_for(
            end_of_support=spec.system.support_ends,
            network=spec.network,
            takes=takes,
            starts_on=order.starts_on,
            ends_on=order.ends_on,
            today=local_day(now, timezone),
        ),
    )


def department_of_estimate(db: Session, actor: Actor, department_id: UUID | None) -> Department | None:
    """As departments are chosen for an order, but nothing is locked and nothing wrong is raised."""
    allowed = actor.departments_for(Permission.SUBMIT)
    if department_id is None:
        department_id = next(iter(allowed)) if allowed and len(allowed) == 1 else None
    if department_id is None or (allowed is not None and department_id not in allowed):
        return None
    return db.get(Department, department_id)


def submit(
    db: Session,
    *,
    actor: Actor,
    order: Order,
    now: datetime,
    secret_key: str,
    timezone: str = DEFAULT_TIMEZONE,
    base_url: str = "",
) -> VmRequest:
    """Put an order in the queue: claims its capacity, tells the approvers. The same form_key gives the same row.

    `secret_key` (Settings.secret_key) seals secret answers. Raises InvalidOrder with all that is wrong.
    """
    form_key = own_form_key(actor, order.form_key)
    earlier = of_form(db, form_key)
    if earlier is not None:
        return earlier
    checked = check_order(db, actor=actor, order=order, today=local_day(now, timezone))
    vm_request = row_of(checked, actor=actor, form_key=form_key, now=now)
    if checked.secrets:
        vm_request.sealed_parameters = seal(secret_key, checked.secrets)
    earlier = add_once(db, vm_request)
    if earlier is not None:
        return earlier
    claims.hold(db, vm_request, now)
    tell_and_record(db, actor=actor, vm_request=vm_request, now=now, base_url=base_url)
    return vm_request


def own_form_key(actor: Actor, form_key: str | None) -> str | None:
    """Bound to the person: nobody can hit another one's form."""
    return hashlib.sha256(f"{actor.account_id}:{form_key}".encode()).hexdigest() if form_key else None


def of_form(db: Session, form_key: str | None) -> VmRequest | None:
    return db.scalar(select(VmRequest).where(VmRequest.form_key == form_key)) if form_key else None


def row_of(checked: CheckedOrder, *, actor: Actor, form_key: str | None, now: datetime) -> VmRequest:
    order, one = checked.order, checked.one
    return VmRequest(
        department_id=checked.department.id,
        submitted_by_id=actor.account_id,
        submitted_at=now,
        template_slug=checked.spec.slug,
        size=checked.size.slug,
        name=order.name,
        copies=order.copies,
        vcpus=one.vcpus,
        memory_mib=one.memory_mib,
        disk_gib=one.disk_gib,
        purpose=order.purpose.strip(),
        starts_on=order.starts_on,
        ends_on=checked.ends_on,
        form_key=form_key,
        parameters=dict(checked.values),
        spec=spec_to_data(checked.spec),
        wanted={"size": checked.size.slug, "copies": order.copies, "ends_on": checked.ends_on.isoformat()},
    )


def add_once(db: Session, vm_request: VmRequest) -> VmRequest | None:
    """Add the row, or return the one that another submit of the same form added meanwhile."""
    try:
        with db.begin_nested():
            db.add(vm_request)
            db.flush()
    except IntegrityError:
        earlier = of_form(db, vm_request.form_key)
        if earlier is None:
            raise
        return earlier
    return None


def tell_and_record(db: Session, *, actor: Actor, vm_request: VmRequest, now: datetime, base_url: str) -> None:
    details = {"template": vm_request.template_slug, **vm_request.wanted}
    record(db, actor=actor, action="vm_request.submitted", subject=subject_of(vm_request), now=now, details=details)
    approvers = accounts.approvers_of(db, vm_request.department_id, but=actor.account_id)
    notices.tell_submitted(db, vm_request=vm_request, approvers=approvers, now=now, base_url=base_url)


def may_see(actor: Actor, vm_request: VmRequest) -> bool:
    return vm_request.submitted_by_id == actor.account_id or actor.may(
        Permission.SEE_DEPARTMENT, vm_request.department_id
    )


def get(db: Session, *, actor: Actor, vm_request_id: UUID) -> VmRequest:
    """One request that the person may see: their own, or their department's. NotFound otherwise."""
    vm_request = db.get(VmRequest, vm_request_id)
    if vm_request is None or not may_see(actor, vm_request):
        raise NotFound(N_("There is no such request."))
    return vm_request


def search(
    db: Session,
    *,
    actor: Actor,
    state: VmRequestState | None = None,
    department: str | None = None,
    text: str | None = None,
    page: int = 1,
    mine: bool = False,
    per_page: int = 50,
) -> Page[VmRequest]:
    """Newest first. `department` is a slug."""
    conditions: list[ColumnElement[bool]] = []
    if state:
        conditions.append(VmRequest.state == state)
    if text and text.strip():
        like = f"%{text.strip()[:80]}%"
        conditions.append(or_(VmRequest.name.ilike(like), VmRequest.purpose.ilike(like)))
    scopes = [[*conditions, *scope] for scope in scopes_of(db, actor, department, mine=mine)]
    return paginate(db, VmRequest, scopes=scopes, order=VmRequest.submitted_at, number=page, per_page=per_page)


def scopes_of(
    db: Session, actor: Actor, department: str | None, *, mine: bool
) -> Sequence[Sequence[ColumnElement[bool]]]:
    """One scope an index: each department that the person sees, and their own requests wherever they are."""
    own = VmRequest.submitted_by_id == actor.account_id
    seen = actor.departments_for(Permission.SEE_DEPARTMENT)
    if department:
        wanted = db.scalar(select(Department.id).where(Department.slug == department))
        if wanted is None:
            return []
        here = VmRequest.department_id == wanted
        return [[here]] if not mine and (seen is None or wanted in seen) else [[here, own]]
    if mine:
        return [[own]]
    if seen is None:
        return [[]]
    return [*([VmRequest.department_id == one] for one in sorted(seen)), [own]]


def changeable(db: Session, actor: Actor, vm_request_id: UUID, *, deciders: bool = False) -> VmRequest:
    """A request that the person may stop or start again: their own; administrators any; deciders if said so."""
    vm_request = get(db, actor=actor, vm_request_id=vm_request_id)
    own = vm_request.submitted_by_id == actor.account_id and actor.may(Permission.SUBMIT, vm_request.department_id)
    powers = [Permission.MANAGE_MACHINES, *([Permission.APPROVE] if deciders else [])]
    if not own and not any(actor.may(power, vm_request.department_id) for power in powers):
        raise NotAllowed(N_("This is somebody else's request."))
    return vm_request


def cancel(
    db: Session, *, actor: Actor, vm_request_id: UUID, now: datetime, queue: WorkflowQueue, reason: str = ""
) -> VmRequest:
    """Take an order back: at once before the work began, else the workflow stops at its next step and cleans up."""
    vm_request = changeable(db, actor, vm_request_id)
    if vm_request.state == VmRequestState.FAILED and not workflows.is_live(db, vm_request.workflow_id):
        return roll_back(db, actor=actor, vm_request_id=vm_request_id, now=now, queue=queue)
    if vm_request.workflow_id is not None:
        workflow = workflows.ask_cancel(db, workflow_id=vm_request.workflow_id, now=now)
        action = "vm_request.cancel_asked"
        if workflow.state == WorkflowState.CANCELLED:
            close_unbegun(db, vm_request)
            action = "vm_request.cancelled"
    else:
        close_unstarted(db, vm_request)
        action = "vm_request.cancelled"
    record(db, actor=actor, action=action, subject=subject_of(vm_request), now=now, reason=reason)
    return vm_request


def close_unbegun(db: Session, vm_request: VmRequest) -> None:
    """Its workflow was taken back before any worker began it: nothing was made, so there is nothing to clean up."""
    db.refresh(vm_request)
    vm_request.move_to(VmRequestState.CANCELLED)
    vm_request.sealed_parameters = None
    claims.release_request(db, vm_request)


def close_unstarted(db: Session, vm_request: VmRequest) -> None:
    """Cancel unless somebody decides or begins the work in this moment."""
    closed = db.execute(
        update(VmRequest)
        .where(
            VmRequest.id == vm_request.id,
            VmRequest.state.in_([VmRequestState.SUBMITTED, VmRequestState.APPROVED]),
            VmRequest.workflow_id.is_(None),
        )
        .values(state=VmRequestState.CANCELLED, sealed_parameters=None)
        .execution_options(synchronize_session=False)
    )
    db.refresh(vm_request)
    if not isinstance(closed, CursorResult) or closed.rowcount != 1:
        raise Conflict(N_("This request can no longer be cancelled: it is “%(state)s”."), state=str(vm_request.state))
    claims.release_request(db, vm_request)


def retry(db: Session, *, actor: Actor, vm_request_id: UUID, now: datetime, queue: WorkflowQueue) -> VmRequest:
    """Go on with a failed request from the step that failed."""
    vm_request = failed_request(db, actor, vm_request_id)
    workflow = workflows.retry(db, workflow_id=str(vm_request.workflow_id), queue=queue, now=now)
    put_under_way(vm_request, workflow)
    record(db, actor=actor, action="vm_request.retried", subject=subject_of(vm_request), now=now)
    return vm_request


def roll_back(db: Session, *, actor: Actor, vm_request_id: UUID, now: datetime, queue: WorkflowQueue) -> VmRequest:
    """Remove what a failed request left, and close it."""
    vm_request = failed_request(db, actor, vm_request_id)
    workflow = workflows.roll_back(db, workflow_id=str(vm_request.workflow_id), queue=queue, now=now)
    put_under_way(vm_request, workflow)
    record(db, actor=actor, action="vm_request.rolled_back", subject=subject_of(vm_request), now=now)
    return vm_request


def put_under_way(vm_request: VmRequest, workflow: Workflow) -> None:
    """At once, not only when a worker gets to it: who asks next must not read the old failure."""
    vm_request.workflow_id = workflow.id
    vm_request.move_to(VmRequestState.PROVISIONING)
    vm_request.error, vm_request.error_params = None, {}


def failed_request(db: Session, actor: Actor, vm_request_id: UUID) -> VmRequest:
    vm_request = changeable(db, actor, vm_request_id, deciders=True)
    if vm_request.state != VmRequestState.FAILED or vm_request.workflow_id is None:
        raise Conflict(N_("Only a request that has failed can be tried again or rolled back."))
    return vm_request
