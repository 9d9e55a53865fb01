"""A lab that a department publishes: cloned from the house's small one, with or without a first version."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal.backends.lab_reader_yaml import YamlLabReader
from portal.core.policy import Actor, Role
from portal.models import Lab, LabDraft, LabVersion
from portal.services import lab_clones, lab_drafts, lab_offers, lab_releases
from tests.factories.accounts import actor_for, make_department
from tests.factories.labs import make_lab, make_micro_linux
from tests.factories.moments import NOW

READER = YamlLabReader()
SLUG = "farmacia.wiki"


def teacher_in(db: Session, department: str = "farmacia") -> Actor:
    return actor_for(db, f"teacher-{department}", role=Role.TEACHER, department=department)


def make_draft(db: Session, name: str = "wiki", *, department: str = "farmacia") -> LabDraft:
    """Cloned from the house's wiki-page, and not published yet."""
    make_micro_linux(db)
    if db.get(Lab, "wiki-page") is None:
        make_lab(db)
    tom = teacher_in(db, department)
    lab = lab_clones.clone(db, actor=tom, reader=READER, slug="wiki-page", name=name, now=NOW, department_id=None)
    return db.get_one(LabDraft, lab.slug)


def make_department_lab(
    db: Session,
    name: str = "wiki",
    *,
    department: str = "farmacia",
    offered_to: tuple[str, ...] = (),
    to_all: bool = False,
) -> LabVersion:
    """Its first version."""
    draft = make_draft(db, name, department=department)
    tom = teacher_in(db, department)
    version = publish(db, tom, draft.lab_slug)
    for slug in offered_to:
        make_department(db, slug)
    lab_offers.offer(db, actor=tom, slug=draft.lab_slug, to_all=to_all, departments=offered_to, now=NOW)
    return version


def write(db: Session, actor: Actor, text: str, *, slug: str = SLUG, name: str = "guide.en.md") -> LabDraft:
    """Save a file of the draft as it stands now."""
    revision = db.get_one(LabDraft, slug).revision
    return lab_drafts.save_text(db, actor=actor, slug=slug, name=name, text=text, revision=revision, now=NOW)


def publish(db: Session, actor: Actor, slug: str = SLUG, *, news: str = "Better words") -> LabVersion:
    revision = db.get_one(LabDraft, slug).revision
    return lab_releases.publish(
        db, actor=actor, reader=READER, slug=slug, news=news, revision=revision, now=NOW
    )  # fmt: skip


def publish_again(db: Session, *, welcome: str = "Hello again.", news: str = "A new greeting") -> LabVersion:
    """A further version, whose guide begins with other words."""
    tom = teacher_in(db)
    text = db.get_one(LabDraft, SLUG).files["guide.en.md"].split("\n", 1)[1]
    write(db, tom, f"{welcome}\n{text}")
    return publish(db, tom, news=news)
