"""What a department does with a lab that it has published: offer it to others, withdraw it, bring it back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid
from portal.core.policy import Actor
from portal.models import Department, DepartmentLab, LabSubscription, LabVersion
from portal.services import department_labs
from portal.services.department_labs import note


def offer(
    db: Session, *, actor: Actor, slug: str, to_all: bool, departments: Sequence[str], now: datetime
) -> DepartmentLab:
    """To all departments, to these, or with none of them to nobody.

    Who has subscribed before keeps the version that they took, and gets no newer one while nothing is offered.
    """
    _lab, published = department_labs.own(db, actor=actor, slug=slug)
    known = set(db.scalars(select(Department.slug)))
    unknown = sorted(set(departments) - known)
    if unknown:
        raise Invalid(N_("There is no department “%(slug)s”."), field="departments", slug=unknown[0][:60])
    chosen = sorted(set(departments) - {published.department.slug}) if not to_all else []
    if (published.offered_to_all, published.offered_to) == (to_all, chosen):
        return published
    published.offered_to_all, published.offered_to = to_all, chosen
    note(db, published, actor=actor, action="lab.offered", now=now, details={"to": "all" if to_all else chosen})
    return published


def withdraw(db: Session, *, actor: Actor, slug: str, now: datetime) -> None:
    """No new classes of it, in no department; those that are booked take place."""
    lab, published = department_labs.own(db, actor=actor, slug=slug)
    if lab.newest is None:
        raise Conflict(department_labs.WHY_NOT_PUBLISHED)
    if published.withdrawn:
        raise Conflict(N_("This lab is withdrawn already."))
    published.withdrawn = True
    note(db, published, actor=actor, action="lab.withdrawn", now=now)


def bring_back(db: Session, *, actor: Actor, slug: str, now: datetime) -> None:
    _lab, published = department_labs.own(db, actor=actor, slug=slug)
    if not published.withdrawn:
        raise Conflict(N_("This lab is not withdrawn."))
    published.withdrawn = False
    note(db, published, actor=actor, action="lab.brought_back", now=now)


def subscribers(db: Session, *, actor: Actor, slug: str) -> list[tuple[Department, LabVersion]]:
    """Who teaches it besides the own department, and which version; for the own department."""
    department_labs.own(db, actor=actor, slug=slug)
    query = (
        select(Department, LabVersion)
        .join(LabSubscription, LabSubscription.department_id == Department.id)
        .join(LabVersion, LabVersion.id == LabSubscription.lab_version_id)
        .where(LabSubscription.lab_slug == slug)
        .order_by(Department.name)
    )
    return [(department, version) for department, version in db.execute(query)]
