"""What an approver sees: the queue, and the facts beside the button."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, NotFound
from portal.core.flags import Flag, flags_for
from portal.core.lease import DEFAULT_TIMEZONE, local_day
from portal.core.lifecycle import VmRequestState
from portal.core.policy import Actor, Permission
from portal.core.quota import Amount
from portal.core.templates import TemplateSpec, spec_from_data
from portal.models import Template, VmRequest
from portal.models.vm_requests import VmRequestKind
from portal.services import capacity, quotas
from portal.services.approval_changes import missing
from portal.services.capacity import Capacity
from portal.services.orders import spec_of
from portal.services.paging import Page, paginate
from portal.services.vm_requests import may_see


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
    cluster = capacity.cluster(db, reserve_hosts=reserve_hosts, now=now)
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
