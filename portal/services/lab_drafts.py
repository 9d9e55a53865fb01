"""A department's own lab while it is being written: its files as texts, and what is wrong in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict
from portal.core.lab_files import LAB_FILE, MAIN_FILES, check_new_script, check_size, check_whole, text_of
from portal.core.lab_outlines import LabOutline, outline_of
from portal.core.labs import BrokenLab, LabSpec
from portal.core.policy import Actor
from portal.core.templates import TemplateError, TemplateSpec
from portal.core.texts import check_text
from portal.interfaces import LabReader
from portal.models import DepartmentLab, Lab, LabDraft, LabRelease, Template
from portal.services import department_labs, labs, templates
from portal.services.department_labs import note
from portal.services.lab_machines import machines_of

OTHER_OWNER = N_("must be %(slug)s, the department that publishes this lab")


class DraftChanged(Conflict):
    """Somebody else has saved since the page was opened: nothing of theirs is written over without a word."""

    code = "draft-changed"


@dataclass(frozen=True)
class Draft:
    """All there is to say about a lab that is being written. Without `mistakes` it can be published."""

    lab: Lab
    published: DepartmentLab
    files: Mapping[str, str]
    revision: int
    changed_by: str
    changed_at: datetime
    spec: LabSpec | None
    mistakes: tuple[TemplateError, ...]
    released: Mapping[str, str] | None  # the files of the newest version

    @property
    def is_changed(self) -> bool:
        return self.released is None or dict(self.files) != dict(self.released)

    def mistakes_in(self, name: str) -> tuple[TemplateError, ...]:
        return tuple(mistake for mistake in self.mistakes if mistake.file == name)


def look(db: Session, *, actor: Actor, reader: LabReader, slug: str) -> Draft:
    """The draft as it was saved last, with what is wrong in it."""
    lab, published = department_labs.own(db, actor=actor, slug=slug)
    return seen(db, reader, lab, published, db.get_one(LabDraft, slug))


def seen(db: Session, reader: LabReader, lab: Lab, published: DepartmentLab, draft: LabDraft) -> Draft:
    spec, mistakes = read(db, reader, published, draft.files)
    newest = db.get(LabRelease, lab.newest.id) if lab.newest is not None else None
    return Draft(
        lab,
        published,
        draft.files,
        draft.revision,
        draft.changed_by,
        draft.changed_at,
        spec,
        mistakes,
        newest.files if newest is not None else None,
    )


def read(
    db: Session, reader: LabReader, published: DepartmentLab, files: Mapping[str, str]
) -> tuple[LabSpec | None, tuple[TemplateError, ...]]:
    """What the files say. A lab whose machines cannot be made is whole and all the same not fit to be published."""
    found = reader.read(published.lab_slug, files)
    if isinstance(found, BrokenLab):
        return None, found.errors
    slug = published.department.slug
    if found.owner != slug:
        return found, (TemplateError(LAB_FILE, None, "owner", OTHER_OWNER, {"slug": slug}),)
    try:
        machines_of(db, found)
        department_labs.check_templates_open(db, found, [slug])
    except Conflict as problem:
        return found, (TemplateError(LAB_FILE, None, "machines", problem.message, labs.written_down(problem)),)
    return found, ()


def preview(db: Session, *, actor: Actor, reader: LabReader, slug: str, name: str, text: str) -> Draft:
    """As `look`, with this text in the place of one file. Nothing is kept."""
    lab, published = department_labs.own(db, actor=actor, slug=slug)
    draft = db.get_one(LabDraft, slug)
    text_of(draft.files, name)
    check_size(name, text)
    changed = {**draft.files, name: text.replace("\r\n", "\n")}
    with db.no_autoflush:
        spec, mistakes = read(db, reader, published, changed)
    return Draft(lab, published, changed, draft.revision, draft.changed_by, draft.changed_at, spec, mistakes, None)


def save_text(db: Session, *, actor: Actor, slug: str, name: str, text: str, revision: int, now: datetime) -> LabDraft:
    """One file of the draft. It may have mistakes; it only cannot be published with them."""
    draft = locked(db, actor=actor, slug=slug, revision=revision)
    text_of(draft.files, name)
    return keep(db, draft, {**draft.files, name: text}, actor=actor, now=now)


def add_script(db: Session, *, actor: Actor, slug: str, name: str, revision: int, now: datetime) -> LabDraft:
    """An empty script; lab.yml says which step it belongs to."""
    draft = locked(db, actor=actor, slug=slug, revision=revision)
    check_new_script(draft.files, name)
    return keep(db, draft, {**draft.files, name: "#!/bin/sh\n"}, actor=actor, now=now)


def remove_script(db: Session, *, actor: Actor, slug: str, name: str, revision: int, now: datetime) -> LabDraft:
    draft = locked(db, actor=actor, slug=slug, revision=revision)
    text_of(draft.files, name)
    if name in MAIN_FILES:
        raise Conflict(N_("A lab needs this file."))
    left = {each: text for each, text in draft.files.items() if each != name}
    return keep(db, draft, left, actor=actor, now=now)


def save_values(
    db: Session,
    *,
    actor: Actor,
    reader: LabReader,
    slug: str,
    values: Mapping[tuple[str | int, ...], Any],
    revision: int,
    now: datetime,
) -> LabDraft:
    """Other values in lab.yml; everything else stays in it as it was written."""
    draft = locked(db, actor=actor, slug=slug, revision=revision)
    changed = reader.change(draft.files[LAB_FILE], values)
    return keep(db, draft, {**draft.files, LAB_FILE: changed}, actor=actor, now=now)


def locked(db: Session, *, actor: Actor, slug: str, revision: int) -> LabDraft:
    """The draft, and nobody else changes it until our transaction ends. DraftChanged if it is another one by now."""
    department_labs.own(db, actor=actor, slug=slug)
    query = select(LabDraft).where(LabDraft.lab_slug == slug).with_for_update()
    draft = db.scalars(query.execution_options(populate_existing=True)).one()
    if draft.revision != revision:
        raise DraftChanged(
            N_("%(who)s has saved this draft in the meantime. What you wrote is still here, and not saved yet."),
            who=draft.changed_by,
        )
    return draft


def keep(db: Session, draft: LabDraft, files: Mapping[str, str], *, actor: Actor, now: datetime) -> LabDraft:
    clean = {name: text.replace("\r\n", "\n") for name, text in files.items()}
    changed = sorted(name for name in {*clean, *draft.files} if clean.get(name) != draft.files.get(name))
    if not changed:
        return draft
    for name in changed:
        check_size(name, clean.get(name, ""))
        check_text(clean.get(name, ""), field="text")
    check_whole(clean)
    draft.files, draft.revision = clean, draft.revision + 1
    draft.changed_at, draft.changed_by = now, actor.name
    published = db.get_one(DepartmentLab, draft.lab_slug)
    note(db, published, actor=actor, action="lab.draft_saved", now=now, details={"files": changed})
    return draft


def outline(reader: LabReader, draft: Draft) -> LabOutline:
    """What forms show of lab.yml. Raises Invalid while it is no YAML."""
    return outline_of(reader.values(draft.files[LAB_FILE]))


def usable_templates(db: Session, published: DepartmentLab) -> list[TemplateSpec]:
    """What the lab's machines can be made from: what its department may order now, its own templates among them."""
    offers = [templates.offer_of(row) for row in db.scalars(select(Template).order_by(Template.slug))]
    slug = published.department.slug
    return [
        offer.spec for offer in offers if offer.spec and offer.orderable and offer.spec.may_be_ordered_by(slug)
    ]  # fmt: skip
