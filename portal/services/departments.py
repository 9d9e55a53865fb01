"""The hospital's departments."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, NotAllowed, NotFound
from portal.core.policy import Actor, Permission
from portal.core.quota import Amount
from portal.models import Department
from portal.services.audit import Subject, record

SLUG = re.compile(r"^[a-z][a-z0-9-]{1,38}[a-z0-9]$")


def create_department(
    db: Session, *, actor: Actor | None, slug: str, name: str, limit: Amount, now: datetime
) -> Department:
    """A new department with what it may take. `actor` is None on the command line."""
    if actor is not None and not actor.may(Permission.MANAGE_ACCOUNTS):
        raise NotAllowed(N_("You may not manage departments."))
    if not SLUG.fullmatch(slug):
        raise Invalid(N_("The short name has small letters, digits and hyphens."), field="slug")
    if not 1 <= len(name.strip()) <= 200:
        raise Invalid(N_("Please write the department's name."), field="name")
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
    subject = Subject("department", str(department.id), name, department.id)
    record(db, actor=actor, action="department.created", subject=subject, now=now)
    return department


def by_slug(db: Session, slug: str) -> Department:
    department = db.scalar(select(Department).where(Department.slug == slug))
    if department is None:
        raise NotFound(N_("There is no such department."))
    return department


def listing(db: Session) -> list[Department]:
    return list(db.scalars(select(Department).order_by(Department.name)))
