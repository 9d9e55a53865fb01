"""What departments may take and have taken: read from their limits and from the claims held for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Invalid, NotAllowed, NotFound, OverQuota, Phrase, Phrases
from portal.core.lifecycle import VmRequestState
from portal.core.policy import Actor, Permission
from portal.core.quota import MEASURES, Amount, Quota
from portal.models import Claim, Department, VmRequest
from portal.services.audit import record, subject_of

FIRST_LIMIT = Amount(machines=10, vcpus=20, memory_mib=32 * 1024, disk_gib=500)  # of a department that is made
SUMS = (
    func.count(),
    func.coalesce(func.sum(Claim.vcpus), 0),
    func.coalesce(func.sum(Claim.memory_mib), 0),
    func.coalesce(func.sum(Claim.disk_gib), 0),
)

LEFT = {
    "machines": N_("%(left)s machines"),
    "vcpus": N_("%(left)s processors"),
    "memory_mib": N_("%(left)s GB of memory"),
    "disk_gib": N_("%(left)s GB of disk"),
}


def limit_of(department: Department) -> Amount:
    return Amount(
        department.quota_machines, department.quota_vcpus, department.quota_memory_mib, department.quota_disk_gib
    )


def used_by(db: Session, department_id: UUID) -> Amount:
    """All that is held for the department: machines, and requests that wait for a decision."""
    row = db.execute(select(*SUMS).select_from(Claim).where(Claim.department_id == department_id)).one()
    return Amount(*(int(value) for value in row))


def quota_of(db: Session, department: Department) -> Quota:
    return Quota(limit_of(department), used_by(db, department.id))


def undecided(db: Session, *, but: UUID) -> Amount:
    """What is held for requests that nobody has decided yet, without the request `but`."""
    query = select(*SUMS).select_from(Claim).join(VmRequest, VmRequest.id == Claim.vm_request_id)
    row = db.execute(query.where(VmRequest.state == VmRequestState.SUBMITTED, VmRequest.id != but)).one()
    return Amount(*(int(value) for value in row))


def lock_department(db: Session, department_id: UUID) -> Department:
    """The department, and nobody else counts its quota until our transaction ends (on SQLite nobody does anyway)."""
    query = select(Department).where(Department.id == department_id).with_for_update()
    department = db.scalar(query.execution_options(populate_existing=True))
    if department is None or not department.active:
        raise NotFound(N_("There is no such department."))
    return department


def check_quota(quota: Quota, more: Amount, *, department: Department, field: str = "size") -> None:
    """Raise OverQuota, naming only what does not suffice."""
    over = quota.over(more)
    if not over:
        return
    left = Phrases(Phrase(LEFT[measure], {"left": in_units(measure, getattr(quota.left, measure))}) for measure in over)
    raise OverQuota(
        N_("This is more than %(department)s has left: %(left)s."), field=field, department=department.name, left=left
    )


def in_units(measure: str, left: int) -> int | float:
    left = max(left, 0)
    return round(left / 1024, 1) if measure == "memory_mib" else left


def departments(db: Session, *, actor: Actor, permission: Permission) -> list[Department]:
    """The active departments in which the person holds the permission, for choices on forms."""
    query = select(Department).where(Department.active).order_by(Department.name)
    ids = actor.departments_for(permission)
    if ids is not None:
        query = query.where(Department.id.in_(ids))
    return list(db.scalars(query))


def quotas_of(db: Session, some: Sequence[Department]) -> dict[UUID, Quota]:
    """The quotas of several departments, with one look at the claims."""
    query = select(Claim.department_id, *SUMS).group_by(Claim.department_id)
    used = {row[0]: Amount(*(int(value) for value in row[1:])) for row in db.execute(query)}
    return {one.id: Quota(limit_of(one), used.get(one.id, Amount())) for one in some}


def set_quota(db: Session, *, actor: Actor | None, department_id: UUID, limit: Amount, now: datetime) -> Department:
    """Change what a department may take. Less than it has is allowed: it only gets nothing more."""
    if actor is not None and not actor.may(Permission.MANAGE_ACCOUNTS):
        raise NotAllowed(N_("You may not change quotas."))
    check_limit(limit)
    department = lock_department(db, department_id)
    before = limit_of(department)
    if limit == before:
        return department
    department.quota_machines, department.quota_vcpus = limit.machines, limit.vcpus
    department.quota_memory_mib, department.quota_disk_gib = limit.memory_mib, limit.disk_gib
    details = {"from": asdict(before), "to": asdict(limit)}
    record(db, actor=actor, action="department.quota", subject=subject_of(department), now=now, details=details)
    return department


def check_limit(limit: Amount) -> None:
    for measure in MEASURES:
        if getattr(limit, measure) < 0:
            raise Invalid(N_("A quota cannot be less than nothing."), field=measure)
