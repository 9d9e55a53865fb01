"""Labs of departments: whose they are, who may change them, and which version a department teaches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotAllowed, NotFound
from portal.core.labs import LabSpec
from portal.core.policy import Actor, Permission
from portal.core.templates import Words, spec_from_data
from portal.models import Department, DepartmentLab, Lab, LabSubscription, LabVersion, Template
from portal.services.audit import Subject, record
from portal.services.templates import department_slugs

NO_LAB = N_("There is no lab “%(slug)s”.")
WHY_WITHDRAWN = N_("The department that publishes it has withdrawn it.")
WHY_NOT_PUBLISHED = N_("It has not been published yet.")
WHY_NOT_SUBSCRIBED = N_("Your department has not subscribed to it.")
CLOSED_TEMPLATE = N_(
    "Machine “%(machine)s” needs the template “%(template)s”, which is not open to the department that teaches."
)


@dataclass(frozen=True)
class Viewer:
    """A person in front of the library: the departments in which labs are seen (None: the whole house), and the
    newest version that they have subscribed to, by lab. `manages`: all labs, also those that are broken.
    """

    manages: bool
    departments: frozenset[str] | None
    taken: Mapping[str, LabVersion]

    def owns(self, published: DepartmentLab) -> bool:
        return self.departments is None or published.department.slug in self.departments

    def is_offered(self, published: DepartmentLab) -> bool:
        slugs = self.departments or frozenset()
        return not published.withdrawn and any(published.is_offered_to(slug) for slug in slugs)


HOUSE = Viewer(True, None, {})  # whoever stands at the machine itself


def viewer_of(db: Session, actor: Actor) -> Viewer:
    ids = actor.departments_for(Permission.SEE_LABS)
    query = select(LabSubscription.lab_slug, LabVersion).join(
        LabVersion, LabVersion.id == LabSubscription.lab_version_id
    )
    query = query.where(LabSubscription.department_id.in_(ids or ())).order_by(LabVersion.version)
    taken = {slug: version for slug, version in db.execute(query)}  # noqa: C416 - rows are no pairs for dict()
    return Viewer(actor.may(Permission.MANAGE_LABS), department_slugs(db, actor, Permission.SEE_LABS), taken)


def version_seen(row: Lab, published: DepartmentLab, viewer: Viewer) -> LabVersion | None:
    """What the person's department teaches, or would teach."""
    return row.newest if viewer.owns(published) else viewer.taken.get(row.slug, row.newest)


def is_shown(row: Lab, published: DepartmentLab, viewer: Viewer) -> bool:
    if viewer.owns(published):
        return True
    return row.newest is not None and (row.slug in viewer.taken or viewer.is_offered(published))


def why_not(row: Lab, published: DepartmentLab, viewer: Viewer) -> str | None:
    if published.withdrawn:
        return WHY_WITHDRAWN
    if row.newest is None:
        return WHY_NOT_PUBLISHED
    return None if viewer.owns(published) or row.slug in viewer.taken else WHY_NOT_SUBSCRIBED


def version_taught(db: Session, row: Lab, published: DepartmentLab, department: Department) -> LabVersion:
    """The version that a class of this department gets: the owner's newest, or the one subscribed to."""
    own = published.department_id == department.id
    taken = None if own else subscribed(db, slug=row.slug, department_id=department.id)
    version = row.newest if own else taken
    if not own and taken is None and not published.is_offered_to(department.slug):
        raise NotFound(NO_LAB, field="lab", slug=row.slug)
    if published.withdrawn:
        raise Conflict(WHY_WITHDRAWN, field="lab")
    if version is None:
        raise Conflict(WHY_NOT_PUBLISHED if row.newest is None else WHY_NOT_SUBSCRIBED, field="lab")
    return version


def subscribed(db: Session, *, slug: str, department_id: UUID) -> LabVersion | None:
    query = select(LabVersion).join(LabSubscription, LabSubscription.lab_version_id == LabVersion.id)
    return db.scalar(query.where(LabSubscription.lab_slug == slug, LabSubscription.department_id == department_id))


def check_templates_open(db: Session, spec: LabSpec, departments: Collection[str]) -> None:
    """A department's lab opens no template to those who may not order it. Raises Conflict, with the machine."""
    for machine in spec.machines:
        row = db.get(Template, machine.template)
        template = spec_from_data(row.spec) if row is not None and row.spec is not None else None
        if template is not None and not any(template.may_be_ordered_by(slug) for slug in departments):
            raise Conflict(CLOSED_TEMPLATE, field="lab", machine=machine.name, template=machine.template)


def own(db: Session, *, actor: Actor, slug: str) -> tuple[Lab, DepartmentLab]:
    """A lab that the person may change: of a department in which they teach. NotFound for all others."""
    row = db.get(Lab, slug) if slug.isprintable() else None
    if row is None or row.published is None or not may_change(actor, row.published):
        raise NotFound(NO_LAB, slug=slug[:60])
    return row, row.published


def may_change(actor: Actor, published: DepartmentLab) -> bool:
    return actor.may(Permission.TEACH, published.department_id)


def department_of(db: Session, actor: Actor, department_id: UUID | None) -> Department:
    """The department for which the person acts; who teaches in only one need not name it."""
    department = db.get(Department, department_id) if department_id is not None else only_department(db, actor)
    if department is None or not department.active:
        raise NotFound(N_("There is no such department."), field="department_id")
    if not actor.may(Permission.TEACH, department.id):
        raise NotAllowed(N_("You do not teach in this department."), field="department_id")
    return department


def only_department(db: Session, actor: Actor) -> Department:
    known = teaching_departments(db, actor)
    if not known:
        raise NotAllowed(N_("You do not teach in any department."))
    if len(known) > 1:
        raise Conflict(N_("Please choose a department."), field="department_id")
    return known[0]


def teaching_departments(db: Session, actor: Actor) -> list[Department]:
    ids = actor.departments_for(Permission.TEACH)
    query = select(Department).where(Department.active).order_by(Department.name)
    return list(db.scalars(query if ids is None else query.where(Department.id.in_(ids))))


def title_of(published: DepartmentLab) -> Words:
    return Words(str(published.title.get("es", "")), str(published.title.get("en", "")))


def subject_of(published: DepartmentLab, department_id: UUID | None = None) -> Subject:
    """For the audit log; `department_id` where another department did it than the lab's own."""
    title = title_of(published)
    return Subject("lab", published.lab_slug, title.es[:200], department_id or published.department_id)


def note(
    db: Session,
    published: DepartmentLab,
    *,
    actor: Actor,
    action: str,
    now: datetime,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Into the audit log, as something that the lab's own department did."""
    subject = subject_of(published)
    record(db, actor=actor, action=action, subject=subject, now=now, reason=reason, details=details)
