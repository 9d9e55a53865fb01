"""A department subscribes to another one's lab: to a version, which it keeps until it takes a newer one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.differences import DifferentLine, difference
from portal.core.errors import N_, Conflict, NotFound
from portal.core.policy import Actor
from portal.models import Department, DepartmentLab, LabRelease, LabSubscription, LabVersion
from portal.services import department_labs, labs
from portal.services.audit import record
from portal.services.lab_specs import spec_of
from portal.services.quotas import lock_department


@dataclass(frozen=True)
class Subscription:
    """What a department of the person has of the lab; `version` is None while it has not subscribed.

    `may_take`: the newest version is offered to it, and it has another one.
    """

    department: Department
    version: LabVersion | None
    may_take: bool


@dataclass(frozen=True)
class News:
    version: int
    made_at: datetime
    text: str


def standing(db: Session, *, actor: Actor, slug: str) -> list[Subscription]:
    """For each department in which the person teaches, but for the one whose lab it is."""
    published, newest = offered_lab(db, actor, slug)
    held = {
        subscription.department_id: db.get_one(LabVersion, subscription.lab_version_id)
        for subscription in db.scalars(select(LabSubscription).where(LabSubscription.lab_slug == slug))
    }
    known = [
        (department, held.get(department.id))
        for department in department_labs.teaching_departments(db, actor)
        if department.id != published.department_id
    ]
    return [
        Subscription(department, version, is_offered(published, department) and version is not newest)
        for department, version in known
        if version is not None or is_offered(published, department)
    ]


def is_offered(published: DepartmentLab, department: Department) -> bool:
    return not published.withdrawn and published.is_offered_to(department.slug)


def offered_lab(db: Session, actor: Actor, slug: str) -> tuple[DepartmentLab, LabVersion]:
    found = labs.get(db, actor=actor, slug=slug)
    if found.published is None or found.newest is None:
        raise NotFound(department_labs.NO_LAB, slug=slug[:60])
    return found.published, found.newest


def subscribe(
    db: Session, *, actor: Actor, slug: str, version: int, now: datetime, department_id: UUID | None = None
) -> LabSubscription:
    """From now on classes of the department get this version. It must be the newest: older ones are not handed out."""
    department = department_labs.department_of(db, actor, department_id)
    lock_department(db, department.id)
    published, newest = offered_lab(db, actor, slug)
    if department.id == published.department_id:
        raise Conflict(N_("A department always teaches the newest version of its own labs."), field="department_id")
    if not is_offered(published, department):
        raise NotFound(N_("This lab is not offered to the department."), field="department_id")
    if version != newest.version:
        raise Conflict(N_("Version %(version)s is out by now. Please look at it first."), version=newest.version)
    held = db.get(LabSubscription, (slug, department.id))
    was = db.get_one(LabVersion, held.lab_version_id).version if held is not None else None
    if held is None:
        held = LabSubscription(
            lab_slug=slug, department_id=department.id, lab_version_id=newest.id, made_at=now
        )  # fmt: skip
        db.add(held)
    held.lab_version_id, held.made_at = newest.id, now
    db.flush()
    action = "lab.subscribed" if was is None else "lab.version_taken"
    details = {"to": version} if was is None else {"from": was, "to": version}
    subject = department_labs.subject_of(published, department.id)
    record(db, actor=actor, action=action, subject=subject, now=now, details=details)
    return held


def unsubscribe(db: Session, *, actor: Actor, slug: str, now: datetime, department_id: UUID | None = None) -> None:
    """No new classes of it in the department; those that are booked take place."""
    department = department_labs.department_of(db, actor, department_id)
    lock_department(db, department.id)
    held = db.get(LabSubscription, (slug, department.id)) if slug.isprintable() else None
    if held is None:
        raise NotFound(N_("The department has not subscribed to this lab."))
    db.delete(held)
    subject = department_labs.subject_of(db.get_one(DepartmentLab, slug), department.id)
    record(db, actor=actor, action="lab.unsubscribed", subject=subject, now=now)


def news(db: Session, *, actor: Actor, slug: str, after: int = 0) -> list[News]:
    """What is new in the versions after this one, newest first."""
    offered_lab(db, actor, slug)
    query = select(LabVersion, LabRelease.news).join(LabRelease, LabRelease.lab_version_id == LabVersion.id)
    query = query.where(LabVersion.lab_slug == slug, LabVersion.version > after).order_by(LabVersion.version.desc())
    return [News(version.version, version.made_at, text) for version, text in db.execute(query)]


def changes_of_guide(old: LabVersion, new: LabVersion, language: str) -> tuple[DifferentLine, ...] | None:
    """None where the guides are too long to be compared."""
    before, after = spec_of(old).guide, spec_of(new).guide
    return difference(before.read(language), after.read(language))
