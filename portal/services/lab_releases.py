"""A draft becomes a version, or is thrown away."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid
from portal.core.plain_data import to_plain
from portal.core.policy import Actor
from portal.core.texts import check_text
from portal.interfaces import LabReader
from portal.models import LabRelease, LabVersion
from portal.services import department_labs, labs
from portal.services.department_labs import note
from portal.services.lab_drafts import locked, read

LONGEST_NEWS = 300


def publish(
    db: Session, *, actor: Actor, reader: LabReader, slug: str, news: str, revision: int, now: datetime
) -> LabVersion:
    """A new version out of the draft. The own department teaches it from now on; subscribers are told and choose."""
    draft = locked(db, actor=actor, slug=slug, revision=revision)
    lab, published = department_labs.own(db, actor=actor, slug=slug)
    spec, mistakes = read(db, reader, published, draft.files)
    if spec is None or mistakes:
        raise Conflict(N_("The draft has mistakes. Please put them right first."))
    check_news(news, is_first=lab.newest is None)
    version = labs.add_version(lab, replace(spec, offered_to=()), now)
    if version is None:
        raise Conflict(N_("Nothing is new since the last version."))
    db.flush()
    db.add(LabRelease(lab_version_id=version.id, files=dict(draft.files), news=news.strip()))
    published.title = to_plain(spec.title)
    details = {"version": version.version}
    note(db, published, actor=actor, action="lab.published", now=now, reason=news.strip(), details=details)
    return version


def check_news(news: str, *, is_first: bool) -> None:
    if not news.strip() and not is_first:
        raise Invalid(N_("Please say in one line what is new."), field="news")
    if len(news.strip()) > LONGEST_NEWS:
        raise Invalid(N_("Please keep it below %(most)s characters."), field="news", most=LONGEST_NEWS)
    check_text(news, field="news")


def discard(db: Session, *, actor: Actor, slug: str, revision: int, now: datetime) -> bool:
    """Back to the newest version; False where there is none: then the lab is gone as if it had never been cloned."""
    draft = locked(db, actor=actor, slug=slug, revision=revision)
    lab, published = department_labs.own(db, actor=actor, slug=slug)
    note(db, published, actor=actor, action="lab.draft_discarded", now=now)
    if lab.newest is not None:
        draft.files = dict(db.get_one(LabRelease, lab.newest.id).files)
        draft.revision, draft.changed_at, draft.changed_by = draft.revision + 1, now, actor.name
        return True
    db.delete(draft)
    db.flush()
    db.delete(lab)
    db.flush()
    return False
