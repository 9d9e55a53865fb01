"""The library of labs: what the folders teach, to whom, and what a seat takes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.backends.labs_folder import read_labs
from portal.backends.templates_fake import pretend_versions
from portal.backends.templates_folder import read_templates
from portal.config import ROOT
from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.core.labs import BrokenLab, LabSpec, lab_from_data
from portal.core.parameters import Parameter, ParameterKind
from portal.core.policy import Role
from portal.core.quota import Amount
from portal.core.templates import TemplateError, Words
from portal.models import Lab, Template
from portal.services import labs, templates
from portal.services.lab_machines import NO_SIZE, NO_TEMPLATE, NOT_READY, WRONG_PARAMETER, machines_of, seat_amount
from tests.factories.accounts import actor_for, make_department
from tests.factories.cluster import make_template, size
from tests.factories.labs import lab_machine, lab_spec, make_lab, make_micro_linux
from tests.factories.moments import NOW

BROKEN = BrokenLab("wiki-page", (TemplateError("lab.yml", 3, "minutes", "must be a whole number"),))


def sync(db: Session, *found: LabSpec | BrokenLab) -> labs.LabSyncReport:
    return labs.sync(db, found=found, now=NOW)


def numbers(db: Session, slug: str = "wiki-page") -> list[int]:
    return [version.version for version in db.get_one(Lab, slug).versions]


def test_a_new_folder_is_a_lab_with_a_first_version(db: Session) -> None:
    report = sync(db, lab_spec())
    assert (report.added, report.new_versions) == (("wiki-page",), ("wiki-page v1",))
    version = db.get_one(Lab, "wiki-page").newest
    assert version is not None
    assert lab_from_data(version.spec) == lab_spec()


def test_reading_the_same_twice_changes_nothing(db: Session) -> None:
    sync(db, lab_spec())
    assert sync(db, lab_spec()) == labs.LabSyncReport()
    assert numbers(db) == [1]


def test_a_changed_guide_is_a_new_version_and_the_old_one_stays(db: Session) -> None:
    sync(db, lab_spec())
    report = sync(db, lab_spec(guide=Words(es="Otra", en="Another")))
    assert report.new_versions == ("wiki-page v2",)
    assert numbers(db) == [1, 2]


def test_a_broken_folder_keeps_its_versions_and_cannot_be_taught(db: Session) -> None:
    make_micro_linux(db)
    sync(db, lab_spec())
    assert sync(db, BROKEN).broken == ("wiki-page",)
    with pytest.raises(Conflict, match="has mistakes"):
        labs.teachable(db, slug="wiki-page", department=make_department(db))
    assert numbers(db) == [1]


def test_a_folder_put_right_says_nothing_new(db: Session) -> None:
    make_micro_linux(db)
    sync(db, lab_spec()), sync(db, BROKEN), sync(db, lab_spec())
    assert labs.teachable(db, slug="wiki-page", department=make_department(db)).version == 1


def test_a_vanished_folder_is_gone_and_nothing_is_deleted(db: Session) -> None:
    make_micro_linux(db)
    sync(db, lab_spec())
    assert sync(db).gone == ("wiki-page",)
    with pytest.raises(Conflict, match="no longer there"):
        labs.teachable(db, slug="wiki-page", department=make_department(db))
    assert numbers(db) == [1]


def test_departments_that_nobody_has_are_told(db: Session) -> None:
    make_department(db, "informatica")
    report = sync(db, lab_spec(offered_to=("farmacya",)))
    assert report.unknown_departments == ("wiki-page: farmacya",)


def test_a_teacher_sees_what_the_department_may_teach(db: Session) -> None:
    make_micro_linux(db)
    make_lab(db, "ours", offered_to=("farmacia",))
    make_lab(db, "theirs", offered_to=("radiologia",))
    make_lab(db, "for-all")
    tom = actor_for(db, "tom", role=Role.TEACHER)
    assert [offer.slug for offer in labs.library(db, actor=tom)] == ["for-all", "ours"]
    with pytest.raises(NotFound):
        labs.get(db, actor=tom, slug="theirs")


@pytest.mark.parametrize("role", [Role.REQUESTER, Role.APPROVER, Role.STUDENT])
def test_who_does_not_teach_sees_no_labs(db: Session, role: Role) -> None:
    make_lab(db)
    ada = actor_for(db, "ada", role=role)
    with pytest.raises(NotAllowed):
        labs.library(db, actor=ada)
    with pytest.raises(NotFound):
        labs.get(db, actor=ada, slug="wiki-page")


def test_only_who_manages_labs_sees_broken_ones_and_why(db: Session) -> None:
    sync(db, BROKEN)
    assert labs.library(db, actor=actor_for(db, "tom", role=Role.TEACHER)) == []
    offer = labs.get(db, actor=actor_for(db, "alan", role=Role.ADMIN), slug="wiki-page")
    assert (offer.why_not, offer.errors) == (labs.WHY_BROKEN, BROKEN.errors)


def test_the_auditor_sees_labs_but_not_what_is_wrong(db: Session) -> None:
    make_lab(db)
    db.get_one(Lab, "wiki-page").errors = [{"file": "lab.yml", "line": 1, "field": "", "message": "wrong"}]
    assert labs.library(db, actor=actor_for(db, "olga", role=Role.AUDITOR)) == []


def test_a_class_of_another_department_does_not_get_the_lab(db: Session) -> None:
    make_micro_linux(db)
    make_lab(db, offered_to=("radiologia",))
    with pytest.raises(NotFound):
        labs.teachable(db, slug="wiki-page", department=make_department(db, "farmacia"))
    assert labs.teachable(db, slug="wiki-page", department=make_department(db, "radiologia")).version == 1


def test_a_seat_takes_what_its_machines_take_together(db: Session) -> None:
    make_micro_linux(db)
    spec = lab_spec(machines=(lab_machine("desk", 10), lab_machine("server", 11, size="small")))
    parts = machines_of(db, spec)
    assert [(part.machine.name, part.version.version) for part in parts] == [("desk", 1), ("server", 1)]
    assert seat_amount(parts) == Amount(machines=2, vcpus=2, memory_mib=384, disk_gib=3)
    assert seat_amount(()) == Amount()


def why(db: Session) -> tuple[str | None, dict[str, object]]:
    offer = labs.get(db, actor=actor_for(db, "tom", role=Role.TEACHER), slug="wiki-page")
    assert offer.parts == ()
    return offer.why_not, dict(offer.why_params)


def test_a_lab_without_its_template_says_which_one_is_missing(db: Session) -> None:
    make_lab(db)
    assert why(db) == (NO_TEMPLATE, {"machine": "desk", "template": "micro-linux"})


def test_a_lab_whose_template_has_no_disk_says_so(db: Session) -> None:
    make_template(db, "micro-linux", versions=0)
    make_lab(db)
    assert why(db)[0] == NOT_READY
    with pytest.raises(Conflict, match="has not been built yet"):
        labs.teachable(db, slug="wiki-page", department=make_department(db))


def test_a_size_that_the_template_does_not_have_is_told(db: Session) -> None:
    make_template(db, "micro-linux", sizes=(size("huge", 1, 128, 1),))
    make_lab(db)
    assert why(db)[0] == NO_SIZE


@pytest.mark.parametrize("given", [{}, {"title": "lower case"}, {"title": "Good", "colour": "red"}])
def test_wrong_parameters_are_told(db: Session, given: dict[str, str]) -> None:
    title = Parameter("title", ParameterKind.TEXT, Words("Título", "Title"), pattern="[A-Z].*")
    make_template(db, "micro-linux", sizes=(size("tiny", 1, 128, 1),), parameters=(title,))
    make_lab(db, machines=(lab_machine("desk", 10, parameters=given), lab_machine("server", 11)))
    assert why(db)[0] == WRONG_PARAMETER


def test_a_template_that_went_away_closes_the_lab(db: Session) -> None:
    make_micro_linux(db)
    make_lab(db)
    db.get_one(Template, "micro-linux").gone = True
    assert why(db)[0] == NOT_READY


def test_a_later_reading_keeps_the_day_of_the_version(db: Session) -> None:
    version = make_lab(db)
    labs.sync(db, found=[lab_spec()], now=NOW + timedelta(days=1))
    assert version.made_at == NOW


@pytest.mark.parametrize("lab", read_labs(ROOT / "labs"), ids=lambda lab: lab.slug)
def test_the_labs_that_we_ship_fit_the_templates_that_we_ship(db: Session, lab: LabSpec) -> None:
    found = read_templates(ROOT / "templates_vm")
    templates.sync(db, found=found, built=pretend_versions(found), now=NOW)
    sync(db, lab)
    assert labs.teachable(db, slug=lab.slug, department=make_department(db)).version == 1


def test_the_lab_of_the_virtual_classroom_waits_until_the_hospital_has_brought_its_program(db: Session) -> None:
    """A machine without Moodle's tarball has everything but that one disk."""
    found = read_templates(ROOT / "templates_vm")
    built = {slug: versions for slug, versions in pretend_versions(found).items() if slug != "moodle"}
    templates.sync(db, found=found, built=built, now=NOW)
    sync(db, *read_labs(ROOT / "labs"))
    teacher = actor_for(db, "tom", role=Role.TEACHER)
    waiting = [offer for offer in labs.library(db, actor=teacher) if not offer.teachable]
    assert [(offer.slug, offer.why_not) for offer in waiting] == [("moodle-course", NOT_READY)]
    assert waiting[0].why_params["template"] == "moodle"
