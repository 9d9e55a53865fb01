"""A lab that a department takes over as its own, to write it on: no folder, and nothing published yet."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid
from portal.core.lab_files import LAB_FILE
from portal.core.plain_data import to_plain
from portal.core.policy import Actor
from portal.interfaces import LabReader
from portal.models import Department, DepartmentLab, Lab, LabDraft, LabRelease, LabVersion
from portal.services import department_labs, labs
from portal.services.department_labs import note
from portal.services.lab_specs import spec_of
from portal.services.quotas import lock_department

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,38}")
LONGEST_SLUG = 60
MOST_LABS = 100  # of one department


def clone(
    db: Session, *, actor: Actor, reader: LabReader, slug: str, name: str, now: datetime, department_id: UUID | None
) -> Lab:
    """A lab of the department's own, with a draft that says what the other one says. Nothing is published yet."""
    department = department_labs.department_of(db, actor, department_id)
    lock_department(db, department.id)  # of two clones with one name the second is told
    source = labs.get(db, actor=actor, slug=slug)
    if source.version is None or source.spec is None:
        raise Conflict(department_labs.WHY_NOT_PUBLISHED)
    own_slug = check_name(db, department, name)
    lab = Lab(slug=own_slug, read_at=now)
    db.add(lab)
    db.flush()
    lab.published = DepartmentLab(
        lab_slug=own_slug,
        department_id=department.id,
        origin_slug=source.slug,
        origin_version=source.version.version,
        title=to_plain(source.spec.title),
    )
    db.flush()
    files = files_of(db, reader, source.version, department)
    db.add(LabDraft(lab_slug=own_slug, files=files, changed_at=now, changed_by=actor.name))
    details = {"from": f"{source.slug} v{source.version.version}"}
    note(db, lab.published, actor=actor, action="lab.cloned", now=now, details=details)
    return lab


def check_name(db: Session, department: Department, name: str) -> str:
    """The lab's own short name. No folder can have it: their names have no dot."""
    slug = f"{department.slug}.{name}"
    if not NAME.fullmatch(name):
        raise Invalid(N_("The short name has small letters, digits and hyphens, at most 39."), field="name")
    if len(slug) > LONGEST_SLUG:
        most = LONGEST_SLUG - len(department.slug) - 1
        raise Invalid(N_("This name is too long: at most %(most)s letters."), field="name", most=most)
    if db.get(Lab, slug) is not None:
        raise Conflict(N_("The department already has a lab “%(name)s”."), field="name", name=name)
    count = select(func.count()).where(DepartmentLab.department_id == department.id)
    if (db.scalar(count) or 0) >= MOST_LABS:
        raise Conflict(N_("A department has at most %(most)s labs of its own."), most=MOST_LABS)
    return slug


def files_of(db: Session, reader: LabReader, version: LabVersion, department: Department) -> dict[str, str]:
    """As they were written where a department wrote them; else written anew from what the version holds."""
    release = db.get(LabRelease, version.id)
    if release is None:
        return reader.write(replace(spec_of(version), owner=department.slug, offered_to=None))
    files = dict(release.files)
    return {**files, LAB_FILE: reader.change(files[LAB_FILE], {("owner",): department.slug})}
