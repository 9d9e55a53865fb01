"""The catalogue: what the folders offer, which disks there are, and why something cannot be ordered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotAllowed, NotFound
from portal.core.plain_data import from_plain, to_plain
from portal.core.policy import Actor, Permission
from portal.core.templates import (
    BrokenTemplate,
    BuiltVersion,
    TemplateError,
    TemplateSpec,
    spec_from_data,
    spec_to_data,
)
from portal.models import Department, Template, TemplateVersion

WHY_BROKEN = N_("Its folder has mistakes that an administrator must put right first.")
WHY_GONE = N_("Its folder is no longer there.")
WHY_NOT_BUILT = N_("Its disk has not been built yet. An administrator can build it.")
WHY_NOT_BROUGHT = N_("Its disk has not been brought yet. The hospital must provide it, with its SHA-256.")
WHY_NEW_DISK = N_(
    "Its new disk has not been brought yet, and the old one is no longer the one that template.yml names."
)
WHY_MISSING = N_("Its disk is missing from the storage, or is no longer the one that was recorded.")


@dataclass(frozen=True)
class Offer:
    """One template as a person sees it. `why_not` is an English msgid, None when it can be ordered."""

    slug: str
    spec: TemplateSpec | None
    version: TemplateVersion | None
    why_not: str | None
    errors: tuple[TemplateError, ...] = ()

    @property
    def orderable(self) -> bool:
        return self.why_not is None


@dataclass(frozen=True)
class SyncReport:
    """What reading the folders changed, by slug. `altered` disks differ from what was recorded: do not trust them."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    new_versions: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    unknown_departments: tuple[str, ...] = ()  # named by templates, and nobody has such a department
    unreadable: tuple[str, ...] = ()  # descriptions of disks that say nothing sensible: those disks are left aside


def sync(
    db: Session,
    *,
    found: Sequence[TemplateSpec | BrokenTemplate],
    built: Mapping[str, Sequence[BuiltVersion]],
    now: datetime,
) -> SyncReport:
    """Bring the tables to what folders and cabinet hold. Nothing is deleted: old machines keep their version."""
    rows = {row.slug: row for row in db.scalars(select(Template))}
    added = [each.slug for each in found if each.slug not in rows]
    changed = []
    for each in found:
        row = rows.setdefault(each.slug, Template(slug=each.slug, spec=None, read_at=now))
        if refresh(row, each, now) and each.slug not in added:
            changed.append(each.slug)
        db.add(row)
    here = {each.slug for each in found}
    for slug in set(rows) - here:
        rows[slug].gone = True
    new, altered = [], []
    for slug in sorted(rows):
        new += add_versions(rows[slug], built.get(slug, ()))
        altered += altered_versions(rows[slug], built.get(slug, ()))
    db.flush()
    broken = [each.slug for each in found if isinstance(each, BrokenTemplate)]
    gone = sorted(set(rows) - here)
    unknown = unknown_departments(db, [each for each in found if isinstance(each, TemplateSpec)])
    return SyncReport(*(tuple(names) for names in (added, changed, broken, gone, new, altered, unknown)))


def unknown_departments(db: Session, specs: Sequence[TemplateSpec]) -> list[str]:
    """Slugs that hide a template without a word, as "template: department". Nothing before there are departments."""
    known = set(db.scalars(select(Department.slug)))
    named = [(spec.slug, slug) for spec in specs for slug in (spec.owner, *(spec.may_order or ()))]
    return [f"{template}: {slug}" for template, slug in named if slug not in known] if known else []


def refresh(row: Template, found: TemplateSpec | BrokenTemplate, now: datetime) -> bool:
    """Write what was read into the row; True if it says something new."""
    errors = [to_plain(error) for error in found.errors] if isinstance(found, BrokenTemplate) else []
    # a broken folder keeps its last good specification: machines made of it still need its words
    spec = row.spec if isinstance(found, BrokenTemplate) else spec_to_data(found)
    is_new = (row.spec, row.errors, row.gone) != (spec, errors, False)
    row.spec, row.errors, row.gone, row.read_at = spec, errors, False, now
    return is_new


def add_versions(row: Template, built: Sequence[BuiltVersion]) -> list[str]:
    known = {version.version for version in row.versions}
    in_cabinet = {each.version: each.sha256 for each in built}
    for version in row.versions:
        # an altered disk is as good as none: nobody knows what is in it
        version.missing = in_cabinet.get(version.version) != version.sha256
    new = [each for each in built if each.version not in known]
    for each in new:
        row.versions.append(version_row(each))
    return [f"{row.slug} v{each.version}" for each in new]


def version_row(built: BuiltVersion) -> TemplateVersion:
    return TemplateVersion(
        template_slug=built.slug,
        version=built.version,
        disk=built.disk,
        sha256=built.sha256,
        size_bytes=built.size_bytes,
        built_at=built.built_at,
        spec=dict(built.spec),
    )


def altered_versions(row: Template, built: Sequence[BuiltVersion]) -> list[str]:
    recorded = {version.version: version.sha256 for version in row.versions}
    return [f"{row.slug} v{each.version}" for each in built if recorded[each.version] != each.sha256]


def catalogue(db: Session, *, actor: Actor) -> list[Offer]:
    """What this person may order or at least read about, by slug. Broken folders are for administrators only."""
    if not actor.may(Permission.SEE_CATALOGUE):
        raise NotAllowed(N_("You may not see the catalogue."))
    departments = department_slugs(db, actor)
    offers = [offer_of(row) for row in db.scalars(select(Template).order_by(Template.slug))]
    return [offer for offer in offers if is_shown(offer, actor, departments)]


def get(db: Session, *, actor: Actor, slug: str) -> Offer:
    """One template that the person may see, or NotFound: others need not know that it exists."""
    row = db.get(Template, slug) if actor.may(Permission.SEE_CATALOGUE) else None
    if row is not None:
        offer = offer_of(row)
        if is_shown(offer, actor, department_slugs(db, actor)):
            return offer
    raise NotFound(N_("There is no template “%(slug)s”."), slug=slug[:60])


def orderable(db: Session, *, slug: str, department: Department) -> tuple[TemplateSpec, TemplateVersion]:
    """Specification and newest disk for an order of this department, or why it cannot be had."""
    row = db.get(Template, slug)
    offer = offer_of(row) if row is not None else None
    if offer is None or offer.spec is None or not offer.spec.may_be_ordered_by(department.slug):
        raise NotFound(N_("There is no template “%(slug)s”."), field="template", slug=slug[:60])
    if offer.why_not is not None or offer.version is None:
        raise Conflict(offer.why_not or WHY_NOT_BUILT, field="template")
    return offer.spec, offer.version


def offer_of(row: Template) -> Offer:
    spec = spec_from_data(row.spec) if row.spec is not None else None
    errors = tuple(from_plain(TemplateError, error) for error in row.errors)
    return Offer(row.slug, spec, newest(row.versions, spec), why_not(row, spec), errors)


def newest(versions: Iterable[TemplateVersion], spec: TemplateSpec | None) -> TemplateVersion | None:
    """The disk that orders get: the newest that is there and that the template still stands by."""
    usable = (each for each in versions if not each.missing and is_named(each, spec))
    return max(usable, key=lambda each: each.version, default=None)


def is_named(version: TemplateVersion, spec: TemplateSpec | None) -> bool:
    """A disk that was brought counts while template.yml names its SHA-256; a built one while the disk is built."""
    brought = spec.brought if spec else None
    return (version.spec.get("brought") or {}).get("sha256") == (brought.sha256 if brought else None)


def why_not(row: Template, spec: TemplateSpec | None) -> str | None:
    if row.gone:
        return WHY_GONE
    if row.errors or spec is None:
        return WHY_BROKEN
    if newest(row.versions, spec) is not None:
        return None
    if any(is_named(version, spec) for version in row.versions):
        return WHY_MISSING
    if row.versions and spec.brought is not None:
        return WHY_NEW_DISK
    return WHY_NOT_BROUGHT if spec.brought is not None else WHY_NOT_BUILT


def is_shown(offer: Offer, actor: Actor, departments: frozenset[str] | None) -> bool:
    if actor.may(Permission.MANAGE_TEMPLATES):
        return True
    if offer.spec is None or offer.errors or offer.why_not == WHY_GONE:
        return False
    return departments is None or any(offer.spec.may_be_ordered_by(slug) for slug in departments)


def department_slugs(
    db: Session, actor: Actor, permission: Permission = Permission.SEE_CATALOGUE
) -> frozenset[str] | None:
    """The departments in which the person holds the permission; None for the whole house."""
    ids: frozenset[UUID] | None = actor.departments_for(permission)
    if ids is None:
        return None
    return frozenset(db.scalars(select(Department.slug).where(Department.id.in_(ids))))


def versions(db: Session, *, actor: Actor, slug: str) -> list[TemplateVersion]:
    """Every disk that was built or brought, newest first; for who manages templates."""
    if not actor.may(Permission.MANAGE_TEMPLATES):
        raise NotAllowed(N_("You may not manage templates."))
    query = select(TemplateVersion).where(TemplateVersion.template_slug == slug)
    return list(db.scalars(query.order_by(TemplateVersion.version.desc())))
