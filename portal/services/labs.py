"""The library of labs: what folders and departments teach, to whom, and why something cannot be taught now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotAllowed, NotFound, Phrases, inner, plain
from portal.core.labs import BrokenLab, LabSpec, lab_to_data
from portal.core.plain_data import from_plain, to_plain
from portal.core.policy import Actor, Permission
from portal.core.quota import Amount
from portal.core.templates import TemplateError, Words
from portal.models import Department, DepartmentLab, Lab, LabVersion
from portal.services import department_labs
from portal.services.department_labs import NO_LAB, Viewer
from portal.services.lab_machines import SeatPart, machines_of, seat_amount
from portal.services.lab_specs import spec_of

WHY_BROKEN = N_("Its folder has mistakes that an administrator must put right first.")
WHY_GONE = N_("Its folder is no longer there.")


@dataclass(frozen=True)
class LabOffer:
    """One lab as a person sees it. `why_not` is an English msgid filled by `why_params`; None: it can be taught.

    `errors` are told to those who manage labs, `parts` are there when all machines can be made. `version` is what
    the person's department teaches. `published`: it is a department's lab; `own`: of a department of the person.
    """

    slug: str
    spec: LabSpec | None
    version: LabVersion | None
    why_not: str | None = None
    why_params: Mapping[str, object] = field(default_factory=dict)
    errors: tuple[TemplateError, ...] = ()
    parts: tuple[SeatPart, ...] = ()
    published: DepartmentLab | None = None
    own: bool = False
    newest: LabVersion | None = None
    subscribed: bool = False

    @property
    def has_news(self) -> bool:
        """A newer version is out than the one that was subscribed to."""
        known, newest = self.version, self.newest
        return self.subscribed and known is not None and newest is not None and known.version < newest.version

    @property
    def title(self) -> Words | None:
        if self.spec is not None:
            return self.spec.title
        return department_labs.title_of(self.published) if self.published is not None else None

    @property
    def teachable(self) -> bool:
        return self.why_not is None

    @property
    def amount(self) -> Amount:
        """What one seat takes."""
        return seat_amount(self.parts)


@dataclass(frozen=True)
class LabSyncReport:
    """What reading the folders changed, by slug."""

    added: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    new_versions: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()  # folders whose name a department's lab has already: they are left aside
    unknown_departments: tuple[str, ...] = ()  # named by labs, and nobody has such a department


def sync(db: Session, *, found: Sequence[LabSpec | BrokenLab], now: datetime) -> LabSyncReport:
    """Bring the tables to what the folders hold. Nothing is deleted: a class keeps the version it was booked with.

    Labs of departments have no folder: they are never gone, and a folder of the same name does not touch them.
    """
    every = {row.slug: row for row in db.scalars(select(Lab))}
    rows = {slug: row for slug, row in every.items() if row.published is None}
    taken = tuple(each.slug for each in found if each.slug in every and each.slug not in rows)
    found = [each for each in found if each.slug not in taken]
    added = [each.slug for each in found if each.slug not in rows]
    new = []
    for each in found:
        row = rows.setdefault(each.slug, Lab(slug=each.slug, read_at=now))
        db.add(row)
        row.gone, row.read_at = False, now
        row.errors = [to_plain(error) for error in each.errors] if isinstance(each, BrokenLab) else []
        if isinstance(each, LabSpec) and (version := add_version(row, each, now)) is not None:
            new.append(f"{each.slug} v{version.version}")
    here = {each.slug for each in found}
    for slug in set(rows) - here:
        rows[slug].gone = True
    db.flush()
    return LabSyncReport(
        added=tuple(added),
        broken=tuple(each.slug for each in found if isinstance(each, BrokenLab)),
        gone=tuple(sorted(set(rows) - here)),
        new_versions=tuple(new),
        taken=taken,
        unknown_departments=tuple(unknown_departments(db, [each for each in found if isinstance(each, LabSpec)])),
    )


def add_version(row: Lab, spec: LabSpec, now: datetime) -> LabVersion | None:
    """A new version if the lab, a guide or a script says something new."""
    data, newest = lab_to_data(spec), row.newest
    digest = digest_of(data)
    if newest is not None and newest.digest == digest:
        return None
    number = newest.version + 1 if newest is not None else 1
    version = LabVersion(lab_slug=row.slug, version=number, digest=digest, made_at=now, spec=data)
    row.versions.append(version)
    return version


def digest_of(data: Mapping[str, object]) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def unknown_departments(db: Session, specs: Sequence[LabSpec]) -> list[str]:
    """Slugs that hide a lab without a word, as "lab: department". Nothing before there are departments."""
    known = set(db.scalars(select(Department.slug)))
    named = [(spec.slug, slug) for spec in specs for slug in (spec.owner, *(spec.offered_to or ()))]
    return [f"{lab}: {slug}" for lab, slug in named if slug not in known] if known else []


def library(db: Session, *, actor: Actor) -> list[LabOffer]:
    """What this person may teach or at least read about, by slug. Broken folders are for those who manage labs."""
    if not actor.may(Permission.SEE_LABS):
        raise NotAllowed(N_("You may not see the labs."))
    viewer = department_labs.viewer_of(db, actor)
    offers = [(row, offer_of(db, row, viewer)) for row in db.scalars(select(Lab).order_by(Lab.slug))]
    return [for_person(offer, actor) for row, offer in offers if is_shown(row, offer, viewer)]


def get(db: Session, *, actor: Actor, slug: str) -> LabOffer:
    """One lab that the person may see, or NotFound: others need not know that it exists."""
    row = db.get(Lab, slug) if actor.may(Permission.SEE_LABS) else None
    if row is not None:
        viewer = department_labs.viewer_of(db, actor)
        offer = offer_of(db, row, viewer)
        if is_shown(row, offer, viewer):
            return for_person(offer, actor)
    raise NotFound(NO_LAB, slug=slug[:60])


def teachable(db: Session, *, slug: str, department: Department) -> LabVersion:
    """The version that a class of this department gets, or why it cannot be had."""
    row = db.get(Lab, slug)
    if row is not None and row.published is not None:
        return published_for(db, row, row.published, department)
    offer = folder_offer(db, row) if row is not None else None
    if offer is None or offer.spec is None or not offer.spec.may_be_taught_by(department.slug):
        raise NotFound(NO_LAB, field="lab", slug=slug[:60])
    if offer.version is None or offer.why_not in {WHY_GONE, WHY_BROKEN}:
        raise Conflict(offer.why_not or WHY_BROKEN, field="lab")
    machines_of(db, offer.spec)  # raises what is wrong with them
    return offer.version


def published_for(db: Session, row: Lab, published: DepartmentLab, department: Department) -> LabVersion:
    version = department_labs.version_taught(db, row, published, department)
    spec = spec_of(version)
    machines_of(db, spec)
    department_labs.check_templates_open(db, spec, [department.slug])
    return version


def offer_of(db: Session, row: Lab, viewer: Viewer) -> LabOffer:
    return folder_offer(db, row) if row.published is None else department_offer(db, row, row.published, viewer)


def folder_offer(db: Session, row: Lab) -> LabOffer:
    version = row.newest
    spec = spec_of(version) if version is not None else None
    errors = tuple(from_plain(TemplateError, error) for error in row.errors)
    offer = LabOffer(row.slug, spec, version, errors=errors, newest=version)
    if row.gone:
        return replace(offer, why_not=WHY_GONE)
    if errors or spec is None:
        return replace(offer, why_not=WHY_BROKEN)
    return with_machines(db, offer, spec)


def department_offer(db: Session, row: Lab, published: DepartmentLab, viewer: Viewer) -> LabOffer:
    version = department_labs.version_seen(row, published, viewer)
    spec = spec_of(version) if version is not None else None
    own = viewer.owns(published)
    subscribed = not own and row.slug in viewer.taken
    offer = LabOffer(
        row.slug, spec, version, published=published, own=own, newest=row.newest, subscribed=subscribed
    )  # fmt: skip
    why_not = department_labs.why_not(row, published, viewer)
    if spec is None or why_not is not None:
        return replace(offer, why_not=why_not)
    return with_machines(db, offer, spec, viewer.departments)


def with_machines(db: Session, offer: LabOffer, spec: LabSpec, departments: frozenset[str] | None = None) -> LabOffer:
    """What a seat is made of, or why it cannot be made. `departments`: for one of them at least."""
    try:
        parts = machines_of(db, spec)
        if departments is not None:
            department_labs.check_templates_open(db, spec, departments)
    except Conflict as problem:
        return replace(offer, why_not=problem.message, why_params=written_down(problem))
    return replace(offer, parts=parts)


def written_down(problem: Conflict) -> dict[str, object]:
    """Its values as pages fill them in, the reasons within it too."""
    reasons = {
        name: inner(value[0].message, value[0].params)
        for name, value in problem.params.items()
        if isinstance(value, Phrases)
    }
    return plain({**problem.params, **reasons})


def is_shown(row: Lab, offer: LabOffer, viewer: Viewer) -> bool:
    if viewer.manages:
        return True
    if row.published is not None:
        return department_labs.is_shown(row, row.published, viewer)
    if offer.spec is None or offer.errors or offer.why_not == WHY_GONE:
        return False
    departments = viewer.departments
    return departments is None or any(offer.spec.may_be_taught_by(slug) for slug in departments)


def for_person(offer: LabOffer, actor: Actor) -> LabOffer:
    return offer if actor.may(Permission.MANAGE_LABS) else replace(offer, errors=())
