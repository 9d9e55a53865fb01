"""The hospital's departments."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, NotAllowed, NotFound
from portal.core.policy import Actor, Permission
from portal.core.quota import Amount
from portal.models import Department
from portal.services import quotas
from portal.services.audit import record, subject_of

SLUG = re.compile(r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$")


def create_department(
    db: Session, *, actor: Actor | None, slug: str, name: str, limit: Amount, now: datetime
) -> Department:
    """A new department with what it may take. `actor` is None on the command line."""
    require_management(actor)
    if not SLUG.fullmatch(slug):
        raise Invalid(N_("The short name has small letters, digits and hyphens."), field="slug")
    check_name(name)
    quotas.check_limit(limit)
    if db.scalar(select(Department.id).where(Department.slug == slug)):
        raise Conflict(N_("There is already a department “%(slug)s”."), field="slug", slug=slug)
    department = Department(
        slug=slug,
        name=name.strip(),
        quota_machines=limit.machines,
        quota_vcpus=limit.vcpus,
        quota_memory_mib=limit.memory_mib,
        quota_disk_gib=limit.disk_gib,
    )
    db.add(department)
    db.flush()
    details = asdict(limit)
    record(db, actor=actor, action="department.created", subject=subject_of(department), now=now, details=details)
    return department


def rename(db: Session, *, actor: Actor | None, department_id: UUID, name: str, now: datetime) -> Department:
    """Another name for the same department; its short name stays, for templates and accounts are tied to it."""
    require_management(actor)
    check_name(name)
    department = quotas.lock_department(db, department_id)
    if department.name != name.strip():
        details = {"from": department.name, "to": name.strip()}
        department.name = name.strip()
        record(db, actor=actor, action="department.renamed", subject=subject_of(department), now=now, details=details)
    return department


def require_management(actor: Actor | None) -> None:
    if actor is not None and not actor.may(Permission.MANAGE_ACCOUNTS):
        raise NotAllowed(N_("You may not manage departments."))


def check_name(name: str) -> None:
    if not 1 <= len(name.strip()) <= 200:
        raise Invalid(N_("Please write the department's name."), field="name")


def by_id(db: Session, department_id: UUID) -> Department:
    department = db.get(Department, department_id)
    if department is None:
        raise NotFound(N_("There is no such department."))
    return department


def by_slug(db: Session, slug: str) -> Department:
    department = db.scalar(select(Department).where(Department.slug == slug))
    if department is None:
        raise NotFound(N_("There is no such department."))
    return department


def listing(db: Session) -> list[Department]:
    return list(db.scalars(select(Department).order_by(Department.name)))
