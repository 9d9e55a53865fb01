"""Decisions: what an approver sees, and approving or denying, once and never one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from portal.core.errors import (
    N_,
    AlreadyDecided,
    Conflict,
    Invalid,
    NoCapacity,
    NotAllowed,
    NotFound,
    OverQuota,
    OwnRequest,
)
from portal.core.flags import Flag, flags_for
from portal.core.lease import DEFAULT_TIMEZONE, local_day
from portal.core.lifecycle import VmRequestState
from portal.core.naming import vm_names
from portal.core.policy import Actor, Permission
from portal.core.quota import Amount
from portal.core.templates import AS_THE_SIZE_SAYS, Quantities, Range, TemplateSpec, spec_from_data, spec_to_data
from portal.interfaces import WorkflowQueue
from portal.models import Template, VmRequest
from portal.models.vm_requests import VmRequestKind
from portal.services import capacity, claims, extensions, notices, quotas, workflows
from portal.services.audit import record, subject_of
from portal.services.capacity import Capacity
from portal.services.orders import DECIDED, newest_version, one_of, spec_of, taken_name
from portal.services.paging import Page, paginate
from portal.services.vm_requests import may_see

LONGEST_REASON = 2000


@dataclass(frozen=True)
class DecisionCard:
    """The facts beside the button. `quota_after` is what the department has left when this is approved.

    The request's own capacity is held since it was submitted: `capacity` counts it as claimed already, and `fits`
    says whether everything decided, with this, leaves one host in reserve. `why_not` is a msgid without places.
    """

    vm_request: VmRequest
    takes: Amount
    quota_after: Amount
    quota_limit: Amount
    capacity: Capacity
    fits: bool
    flags: tuple[Flag, ...]
    may_decide: bool
    why_not: str


def takes_of(vm_request: VmRequest) -> Amount:
    """What the request takes; a longer lease takes nothing new."""
    if vm_request.kind == VmRequestKind.EXTENSION:
        return Amount()
    return Amount(1, vm_request.vcpus, vm_request.memory_mib, vm_request.disk_gib) * vm_request.copies


def card(
    db: Session,
    *,
    actor: Actor,
    vm_request: VmRequest,
    now: datetime,
    timezone: str = DEFAULT_TIMEZONE,
    reserve_hosts: int = 1,
) -> DecisionCard:
    if not may_see(actor, vm_request):
        raise NotFound(N_("There is no such request."))
    quota = quotas.quota_of(db, vm_request.department)
    cluster = capacity.cluster(db, reserve_hosts=reserve_hosts)
    why_not = why_not_decide(actor, vm_request)
    return DecisionCard(
        vm_request=vm_request,
        takes=takes_of(vm_request),
        quota_after=quota.left,
        quota_limit=quota.limit,
        capacity=cluster,
        fits=not missing(db, vm_request, cluster),
        flags=flags_of(db, vm_request, local_day(now, timezone)),
        may_decide=not why_not,
        why_not=why_not,
    )


def flags_of(db: Session, vm_request: VmRequest, today: date) -> tuple[Flag, ...]:
    return flags_with(spec_of(db, vm_request.template_slug), vm_request, today)


def flags_of_all(db: Session, vm_requests: Sequence[VmRequest], today: date) -> dict[UUID, tuple[Flag, ...]]:
    """The flags of a page of requests, with one query for all their templates."""
    slugs = {one.template_slug for one in vm_requests}
    rows = db.execute(select(Template.slug, Template.spec).where(Template.slug.in_(slugs)))
    specs = {slug: spec_from_data(spec) for slug, spec in rows if spec}
    return {one.id: flags_with(specs.get(one.template_slug), one, today) for one in vm_requests}


def flags_with(spec: TemplateSpec | None, vm_request: VmRequest, today: date) -> tuple[Flag, ...]:
    return flags_for(
        end_of_support=spec.system.support_ends if spec else None,
        network=spec.network if spec else "department",
        takes=takes_of(vm_request),
        starts_on=vm_request.starts_on,
        ends_on=vm_request.ends_on,
        today=today,
    )


def why_not_decide(actor: Actor, vm_request: VmRequest) -> str:
    if vm_request.state != VmRequestState.SUBMITTED:
        return N_("This request is already decided.")
    if vm_request.submitted_by_id == actor.account_id:
        return N_("Nobody decides on their own request.")
    if not actor.may(Permission.APPROVE, vm_request.department_id):
        return N_("You may not decide for this department.")
    return ""


def waiting(db: Session, *, actor: Actor, page: int = 1, per_page: int = 50) -> Page[VmRequest]:
    """Undecided requests of the departments the person decides for, the oldest first; own ones are shown too."""
    departments = actor.departments_for(Permission.APPROVE)
    undecided = VmRequest.state == VmRequestState.SUBMITTED
    if departments is None:
        scopes = [[undecided]]
    else:
        scopes = [[undecided, VmRequest.department_id == one] for one in sorted(departments)]
    return paginate(
        db,
        VmRequest,
        scopes=scopes,
        order=VmRequest.submitted_at,
        number=page,
        per_page=per_page,
        newest_first=False,
    )


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


def shorten(vm_request: VmRequest, ends_on: date | None, today: date) -> None:
    last = ends_on or vm_request.ends_on
    if last > vm_request.ends_on:
        raise Invalid(N_("An approval may shorten the time, not lengthen it."), field="ends_on")
    if last < max(today, vm_request.starts_on or today):
        raise Invalid(N_("The last day is already over."), field="ends_on")
    vm_request.ends_on = last


def take_less(db: Session, vm_request: VmRequest, *, size: str | None, copies: int | None) -> None:
    """Fewer copies, or a size of the template no larger than what was asked: never more of anything."""
    if copies is not None:
        if not 1 <= copies <= vm_request.copies:
            raise Invalid(N_("An approval may take copies away, not add any."), field="copies")
        vm_request.copies = copies
    if size is None or size == vm_request.size:
        return
    spec = spec_of(db, vm_request.template_slug)
    chosen = spec.size(size) if spec else None
    if chosen is None:
        raise Invalid(N_("Please choose one of the sizes."), field="size")
    one = one_of(chosen)
    if not one.fits(Amount(1, vm_request.vcpus, vm_request.memory_mib, vm_request.disk_gib)):
        raise Invalid(N_("An approval may choose a smaller size, not a larger one."), field="size")
    vm_request.size = size
    vm_request.vcpus, vm_request.memory_mib, vm_request.disk_gib = one.vcpus, one.memory_mib, one.disk_gib


def check_names(db: Session, vm_request: VmRequest) -> None:
    """Fewer copies have other names, and two orders may have been written in the same moment."""
    names = set(vm_names(vm_request.name, vm_request.copies))
    taken = taken_name(db, names, states=DECIDED, but=vm_request.id)
    if taken is not None:
        raise Conflict(N_("There is already a machine or an order called “%(name)s”."), name=taken)


def move_quantities(db: Session, vm_request: VmRequest, quantities: Quantities) -> None:
    """Each quantity of one machine may be moved between the limits of its size, which the template sets."""
    spec = spec_of(db, vm_request.template_slug)
    size = spec.size(vm_request.size) if spec else None
    for name, value in asdict(quantities).items():
        if value is None:
            continue
        if size is None:
            raise Invalid(N_("The template no longer says what may be changed."), field=name)
        limits: Range = getattr(size, name)
        if not limits.contains(value):
            raise Invalid(
                N_("For this size it may be between %(least)s and %(most)s."),
                field=name,
                least=limits.minimum,
                most=limits.maximum,
            )
        setattr(vm_request, name, value)


def check_room(db: Session, vm_request: VmRequest, *, now: datetime, reserve_hosts: int) -> None:
    """Hold what is now asked, and raise unless it fits in quota and cluster."""
    department = quotas.lock_department(db, vm_request.department_id)
    capacity.lock_hosts(db)
    db.flush()
    claims.hold(db, vm_request, now)
    if not Amount().fits(quotas.quota_of(db, department).left):
        raise OverQuota(N_("The quota of %(department)s does not suffice any more."), department=department.name)
    measures = missing(db, vm_request, capacity.cluster(db, reserve_hosts=reserve_hosts))
    if measures:
        raise NoCapacity(
            N_(
                "The cluster cannot take this and still lose a host: "
                "%(vcpus)s processors, %(memory_gib)s GB of memory and %(disk_gib)s GB of disk are missing."
            ),
            vcpus=measures.vcpus,
            memory_gib=round(measures.memory_mib / 1024, 1),
            disk_gib=measures.disk_gib,
        )


def missing(db: Session, vm_request: VmRequest, cluster: Capacity) -> Amount | None:
    """What the cluster lacks for this request; None if nothing. Other undecided requests do not stand in its way."""
    if vm_request.kind == VmRequestKind.EXTENSION:
        return None
    room = cluster.free_with_reserve + quotas.undecided(db, but=vm_request.id)
    if min(room.vcpus, room.memory_mib, room.disk_gib) >= 0:
        return None
    return Amount(0, max(-room.vcpus, 0), max(-room.memory_mib, 0), max(-room.disk_gib, 0))


def fix_version(db: Session, vm_request: VmRequest) -> None:
    """From now on the request means this disk, and the template as the approver sees it, whatever changes later."""
    version = newest_version(db, vm_request.template_slug)
    if version is None:
        raise Conflict(N_("The disk of this template is not ready yet. The administrators know."))
    vm_request.template_version_id = version.id
    spec = spec_of(db, vm_request.template_slug)
    if spec is not None:
        vm_request.spec = spec_to_data(spec)


def begin_if_due(db: Session, vm_request: VmRequest, *, queue: WorkflowQueue, now: datetime, today: date) -> None:
    """Queue the work, unless it is wanted from a later day: see workflows.start_dated."""
    if vm_request.starts_on and vm_request.starts_on > today:
        return
    workflow = workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=queue, now=now)
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
