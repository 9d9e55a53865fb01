"""A department's lab while it is written: who may, what is kept, who is told that somebody was faster."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, NotAllowed, NotFound
from portal.core.labs import LabSpec
from portal.core.policy import Actor, Role
from portal.models import AuditEntry, Department, DepartmentLab, Lab, LabDraft, Template
from portal.services import lab_clones, lab_drafts, lab_releases, labs
from portal.services.lab_drafts import Draft, DraftChanged
from tests.factories.accounts import actor_for, make_department
from tests.factories.department_labs import (
    READER,
    SLUG,
    make_department_lab,
    make_draft,
    publish,
    publish_again,
    teacher_in,
    write,
)
from tests.factories.labs import lab_spec, make_lab, make_micro_linux
from tests.factories.moments import NOW


@pytest.fixture
def tom(db: Session) -> Actor:
    return teacher_in(db)


def clone(db: Session, actor: Actor, *, slug: str = "wiki-page", name: str = "wiki", where: UUID | None = None) -> Lab:
    return lab_clones.clone(db, actor=actor, reader=READER, slug=slug, name=name, now=NOW, department_id=where)


def look(db: Session, actor: Actor, slug: str = SLUG) -> Draft:
    return lab_drafts.look(db, actor=actor, reader=READER, slug=slug)


def actions(db: Session) -> list[str]:
    return list(db.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "lab")))


def said(draft: Draft) -> list[str]:
    return [str(mistake) for mistake in draft.mistakes]


def test_a_clone_says_what_its_origin_says(db: Session, tom: Actor) -> None:
    make_draft(db)
    draft = look(db, tom)
    house = lab_spec()
    assert draft.spec is not None
    assert draft.mistakes == ()
    assert (draft.spec.owner, draft.spec.steps, draft.spec.guide) == ("farmacia", house.steps, house.guide)
    assert (draft.published.origin_slug, draft.published.origin_version) == ("wiki-page", 1)
    assert actions(db) == ["lab.cloned"]


def test_the_clone_of_a_clone_keeps_what_was_written_by_hand(db: Session) -> None:
    make_department_lab(db, to_all=True)
    tom, eve = teacher_in(db), teacher_in(db, "radiologia")
    write(db, tom, "# ours\n" + look(db, tom).files["lab.yml"], name="lab.yml")
    publish_again(db)
    assert clone(db, eve, slug=SLUG).slug == "radiologia.wiki"
    files = look(db, eve, "radiologia.wiki").files
    assert files["lab.yml"].startswith("# ours\n")
    assert "owner: radiologia" in files["lab.yml"]
    assert look(db, eve, "radiologia.wiki").published.origin_version == 2


@pytest.mark.parametrize("role", [Role.REQUESTER, Role.APPROVER, Role.STUDENT, Role.AUDITOR])
def test_only_teachers_clone(db: Session, role: Role) -> None:
    make_lab(db)
    with pytest.raises((NotAllowed, NotFound)):
        clone(db, actor_for(db, "ada", role=role))
    assert db.get(Lab, SLUG) is None


def test_nobody_clones_for_a_department_in_which_they_do_not_teach(db: Session, tom: Actor) -> None:
    make_lab(db)
    with pytest.raises(NotAllowed, match="do not teach"):
        clone(db, tom, where=make_department(db, "radiologia").id)


def test_a_lab_that_is_not_shown_is_not_cloned(db: Session) -> None:
    make_department_lab(db)
    with pytest.raises(NotFound):
        clone(db, teacher_in(db, "radiologia"), slug=SLUG)


@pytest.mark.parametrize("name", ["", "Wiki", "a.b", "../x", "x" * 40, "wi ki", "-x"])
def test_a_short_name_is_short_and_plain(db: Session, tom: Actor, name: str) -> None:
    make_lab(db)
    with pytest.raises(Invalid):
        clone(db, tom, name=name)


def test_a_long_department_leaves_less_room_for_the_name(db: Session) -> None:
    make_lab(db)
    eve = teacher_in(db, "r" * 40)
    with pytest.raises(Invalid, match="at most 19 letters"):
        clone(db, eve, name="n" * 20)
    assert len(clone(db, eve, name="n" * 19).slug) == 60


def test_a_short_name_is_given_once_a_department(db: Session, tom: Actor) -> None:
    make_draft(db)
    with pytest.raises(Conflict, match="already has a lab"):
        clone(db, tom)
    assert clone(db, teacher_in(db, "radiologia")).slug == "radiologia.wiki"


def test_who_teaches_elsewhere_does_not_even_see_the_draft(db: Session) -> None:
    make_department_lab(db, to_all=True)
    eve, ada = teacher_in(db, "radiologia"), actor_for(db, "ada")
    revision = db.get_one(LabDraft, SLUG).revision
    for actor in (eve, ada):
        with pytest.raises(NotFound):
            look(db, actor)
        with pytest.raises(NotFound):
            write(db, actor, "mine")
        with pytest.raises(NotFound):
            publish(db, actor)
        with pytest.raises(NotFound):
            lab_releases.discard(db, actor=actor, slug=SLUG, revision=revision, now=NOW)


def test_administrators_may_help(db: Session) -> None:
    make_draft(db)
    alan = actor_for(db, "alan", role=Role.ADMIN)
    assert write(db, alan, "x").changed_by == "Alan"


def test_labs_of_folders_have_no_draft(db: Session, tom: Actor) -> None:
    make_lab(db)
    with pytest.raises(NotFound):
        look(db, tom, "wiki-page")


def test_who_saves_second_is_told_and_overwrites_nothing(db: Session, tom: Actor) -> None:
    seen = make_draft(db).revision
    write(db, tom, "First.\n")
    with pytest.raises(DraftChanged, match="Teacher-farmacia has saved"):
        lab_drafts.save_text(
            db, actor=tom, slug=SLUG, name="guide.en.md", text="Second.", revision=seen, now=NOW
        )  # fmt: skip
    assert look(db, tom).files["guide.en.md"] == "First.\n"


def test_nobody_publishes_or_throws_away_what_they_have_not_seen(db: Session, tom: Actor) -> None:
    seen = make_draft(db).revision
    write(db, tom, "First.\n")
    with pytest.raises(DraftChanged):
        lab_releases.publish(db, actor=tom, reader=READER, slug=SLUG, news="x", revision=seen, now=NOW)
    with pytest.raises(DraftChanged):
        lab_releases.discard(db, actor=tom, slug=SLUG, revision=seen, now=NOW)


def test_saving_the_same_changes_nothing(db: Session, tom: Actor) -> None:
    draft = make_draft(db)
    text, revision = draft.files["guide.en.md"], draft.revision
    assert write(db, tom, text.replace("\n", "\r\n")).revision == revision
    assert actions(db) == ["lab.cloned"]


def test_a_draft_may_have_mistakes_and_says_where(db: Session, tom: Actor) -> None:
    draft = make_draft(db)
    write(db, tom, draft.files["guide.en.md"].replace("{#write}", "{#rwite}"))
    assert said(look(db, tom)) == [
        "guide.en.md: write: the guide says nothing of this step",
        "guide.en.md:13: rwite: lab.yml has no step of this name",
    ]
    with pytest.raises(Conflict, match="has mistakes"):
        publish(db, tom)
    assert db.get_one(Lab, SLUG).newest is None


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("guide.en.md", "é" * 200_000, "larger than 256 KiB"),
        ("guide.en.md", "x" * 10 * 1024 * 1024, "larger than 256 KiB"),
        ("lab.yml", "x" * 300_000, "larger than 256 KiB"),
        ("checks/look.sh", "x" * 17_000, "larger than 16 KiB"),
        ("guide.en.md", "a\x00b", "cannot be seen"),
    ],
    ids=["guide", "10 MB", "lab.yml", "script", "NUL"],
)
def test_what_no_file_may_hold_is_not_kept(db: Session, tom: Actor, name: str, text: str, why: str) -> None:
    make_draft(db)
    with pytest.raises(Invalid, match=why) as refused:
        write(db, tom, text, name=name)
    assert refused.value.field == "text"


def test_a_yaml_bomb_is_told_and_not_unpacked(db: Session, tom: Actor) -> None:
    make_draft(db)
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    write(db, tom, bomb, name="lab.yml")
    assert said(look(db, tom)) == ["lab.yml:2: aliases (*name) are not read here"]
    revision = db.get_one(LabDraft, SLUG).revision
    with pytest.raises(Invalid, match="cannot be read"):
        lab_drafts.save_values(
            db, actor=tom, reader=READER, slug=SLUG, values={("minutes",): 5}, revision=revision, now=NOW
        )  # fmt: skip


def test_scripts_come_and_go_and_the_main_files_stay(db: Session, tom: Actor) -> None:
    revision = make_draft(db).revision
    draft = lab_drafts.add_script(db, actor=tom, slug=SLUG, name="checks/new.sh", revision=revision, now=NOW)
    assert "checks/new.sh" in draft.files
    revision = draft.revision
    for name in ("checks/new.sh", "checks/../x.sh", "new.sh", "lab.yml", "checks/x.py"):
        with pytest.raises((Invalid, Conflict)):
            lab_drafts.add_script(db, actor=tom, slug=SLUG, name=name, revision=revision, now=NOW)
    draft = lab_drafts.remove_script(db, actor=tom, slug=SLUG, name="checks/new.sh", revision=revision, now=NOW)
    assert "checks/new.sh" not in draft.files
    with pytest.raises(Conflict, match="needs this file"):
        lab_drafts.remove_script(db, actor=tom, slug=SLUG, name="lab.yml", revision=draft.revision, now=NOW)
    with pytest.raises(NotFound):
        write(db, tom, "x", name="checks/never.sh")


def test_a_script_that_a_check_names_is_missed(db: Session, tom: Actor) -> None:
    revision = make_draft(db).revision
    lab_drafts.remove_script(db, actor=tom, slug=SLUG, name="checks/look.sh", revision=revision, now=NOW)
    assert any("the file checks/look.sh is not" in each for each in said(look(db, tom)))


def test_values_of_a_form_stand_in_the_file_beside_what_was_written(db: Session, tom: Actor) -> None:
    draft = make_draft(db)
    write(db, tom, "# a note\n" + draft.files["lab.yml"], name="lab.yml")
    revision = db.get_one(LabDraft, SLUG).revision
    values = {("title",): {"es": "Nueva", "en": "New: # one"}, ("minutes",): 30, ("machines", 0, "size"): "small"}
    lab_drafts.save_values(db, actor=tom, reader=READER, slug=SLUG, values=values, revision=revision, now=NOW)
    after = look(db, tom)
    assert after.files["lab.yml"].startswith("# a note\n")
    assert isinstance(after.spec, LabSpec)
    assert (after.spec.title.en, after.spec.minutes, after.spec.machines[0].size) == ("New: # one", 30, "small")


def test_publishing_makes_versions_and_the_department_teaches_the_newest(db: Session, tom: Actor) -> None:
    make_department_lab(db)
    publish_again(db)
    farmacia = make_department(db)
    assert labs.teachable(db, slug=SLUG, department=farmacia).version == 2
    assert [version.version for version in db.get_one(Lab, SLUG).versions] == [1, 2]
    entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "lab.published").order_by(AuditEntry.id.desc()))
    newest = entry.first()
    assert newest is not None
    assert (newest.reason, newest.details, newest.department_id) == ("A new greeting", {"version": 2}, farmacia.id)


def test_the_same_twice_is_no_new_version(db: Session, tom: Actor) -> None:
    make_department_lab(db)
    with pytest.raises(Conflict, match="Nothing is new"):
        publish(db, tom)


@pytest.mark.parametrize("news", ["", "  ", "x" * 301, "a\x00b"], ids=["nothing", "blanks", "long", "NUL"])
def test_a_further_version_says_in_a_line_what_is_new(db: Session, tom: Actor, news: str) -> None:
    make_department_lab(db)
    with pytest.raises(Invalid) as refused:
        publish_again(db, news=news)
    assert refused.value.field == "news"


def test_a_draft_of_another_owner_is_not_published(db: Session, tom: Actor) -> None:
    draft = make_draft(db)
    write(db, tom, draft.files["lab.yml"].replace("owner: farmacia", "owner: radiologia"), name="lab.yml")
    assert said(look(db, tom)) == ["lab.yml: owner: must be farmacia, the department that publishes this lab"]


def test_machines_that_cannot_be_made_are_told_before_publishing(db: Session, tom: Actor) -> None:
    draft = make_draft(db)
    write(db, tom, draft.files["lab.yml"].replace("size: tiny", "size: huge"), name="lab.yml")
    (mistake,) = look(db, tom).mistakes
    assert (mistake.file, mistake.field) == ("lab.yml", "machines")
    with pytest.raises(Conflict):
        publish(db, tom)


def test_a_template_of_another_department_cannot_be_used(db: Session, tom: Actor) -> None:
    make_draft(db)
    template = db.get_one(Template, "micro-linux")
    assert template.spec is not None
    template.spec = {**template.spec, "may_order": ["radiologia"]}
    assert "not open to the department" in said(look(db, tom))[0]


def test_who_may_teach_it_is_never_read_from_the_file(db: Session, tom: Actor) -> None:
    draft = make_draft(db)
    write(db, tom, "offered_to: all\n" + draft.files["lab.yml"], name="lab.yml")
    publish(db, tom)
    with pytest.raises(NotFound):
        labs.teachable(db, slug=SLUG, department=make_department(db, "radiologia"))


def test_a_draft_that_is_thrown_away_is_what_was_published(db: Session, tom: Actor) -> None:
    make_department_lab(db)
    before = dict(look(db, tom).files)
    revision = write(db, tom, "Nothing good.").revision
    assert look(db, tom).is_changed
    assert lab_releases.discard(db, actor=tom, slug=SLUG, revision=revision, now=NOW)
    assert dict(look(db, tom).files) == before
    assert not look(db, tom).is_changed


def test_a_clone_that_was_never_published_vanishes_with_its_draft(db: Session, tom: Actor) -> None:
    revision = make_draft(db).revision
    assert not lab_releases.discard(db, actor=tom, slug=SLUG, revision=revision, now=NOW)
    assert (db.get(Lab, SLUG), db.get(DepartmentLab, SLUG)) == (None, None)
    assert actions(db) == ["lab.cloned", "lab.draft_discarded"]
    assert clone(db, tom).slug == SLUG


def test_a_preview_keeps_nothing(db: Session, tom: Actor) -> None:
    make_draft(db)
    shown = lab_drafts.preview(db, actor=tom, reader=READER, slug=SLUG, name="guide.en.md", text="Just this.")
    assert shown.files["guide.en.md"] == "Just this."
    assert shown.mistakes_in("guide.en.md")
    db.expire_all()
    assert look(db, tom).files["guide.en.md"] != "Just this."
    with pytest.raises(NotFound):
        lab_drafts.preview(
            db, actor=teacher_in(db, "radiologia"), reader=READER, slug=SLUG, name="guide.en.md", text="x"
        )  # fmt: skip


def test_reading_the_folders_leaves_departments_labs_alone(db: Session, tom: Actor) -> None:
    make_department_lab(db)
    report = labs.sync(db, found=[], now=NOW)
    assert report.gone == ("wiki-page",)
    assert labs.teachable(db, slug=SLUG, department=make_department(db)).version == 1


def test_a_folder_of_the_same_name_is_told_and_left_aside(db: Session, tom: Actor) -> None:
    """Good folders cannot have a dot in their names; a broken one would otherwise close the department's lab."""
    make_department_lab(db)
    report = labs.sync(db, found=[lab_spec(SLUG, minutes=5), lab_spec()], now=NOW)
    assert (report.taken, report.gone, report.new_versions) == ((SLUG,), (), ())
    assert labs.get(db, actor=tom, slug=SLUG).version == db.get_one(Lab, SLUG).newest
    assert db.get_one(Lab, SLUG).versions[-1].version == 1


def test_a_department_has_only_so_many_labs(db: Session, tom: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_clones, "MOST_LABS", 1)
    make_draft(db)
    with pytest.raises(Conflict, match="at most 1 labs"):
        clone(db, tom, name="another")


def test_a_closed_department_gets_no_lab(db: Session, tom: Actor) -> None:
    make_micro_linux(db)
    make_lab(db)
    db.scalars(select(Department).where(Department.slug == "farmacia")).one().active = False
    with pytest.raises((NotAllowed, NotFound)):
        clone(db, tom)
