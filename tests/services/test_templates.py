"""The catalogue: what the folders and the cabinet hold, and who sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.core.policy import Role
from portal.core.templates import BrokenTemplate, Brought, BuiltVersion, TemplateError, TemplateSpec, spec_to_data
from portal.models import Template
from portal.services import templates
from tests.factories.accounts import actor_for, make_department
from tests.factories.cluster import make_spec
from tests.factories.moments import NOW

BROKEN = BrokenTemplate("dokuwiki", (TemplateError("template.yml", 3, "sizes", "Field required"),))


def make_built(slug: str = "dokuwiki", version: int = 1, sha256: str = "a" * 64) -> BuiltVersion:
    return BuiltVersion(
        slug=slug,
        version=version,
        disk=f"templates/{slug}/v{version}.qcow2",
        sha256=sha256,
        size_bytes=1,
        built_at=NOW,
        digest="d",
        spec=spec_to_data(make_spec(slug)),
    )


def sync(db: Session, *found: object, built: list[BuiltVersion] | None = None) -> templates.SyncReport:
    by_slug = {"dokuwiki": [make_built()] if built is None else built}
    return templates.sync(db, found=found, built=by_slug, now=NOW)  # type: ignore[arg-type]


def test_a_new_folder_with_a_disk_can_be_ordered(db: Session) -> None:
    report = sync(db, make_spec())
    spec, version = templates.orderable(db, slug="dokuwiki", department=make_department(db))
    assert (report.added, report.new_versions) == (("dokuwiki",), ("dokuwiki v1",))
    assert (spec, version.version) == (make_spec(), 1)


def test_reading_the_same_twice_changes_nothing(db: Session) -> None:
    sync(db, make_spec())
    assert sync(db, make_spec()) == templates.SyncReport()


def test_the_newest_disk_is_ordered_and_the_old_one_stays(db: Session) -> None:
    sync(db, make_spec(), built=[make_built(), make_built(version=2, sha256="b" * 64)])
    _, version = templates.orderable(db, slug="dokuwiki", department=make_department(db))
    assert version.version == 2
    assert len(db.get_one(Template, "dokuwiki").versions) == 2


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (make_spec(), templates.WHY_NOT_BUILT),
        (make_spec(brought=Brought(None)), templates.WHY_NOT_BROUGHT),
    ],
)
def test_without_a_disk_it_is_listed_and_explained(db: Session, spec: object, why: str) -> None:
    sync(db, spec, built=[])
    offer = templates.get(db, actor=actor_for(db, "ada"), slug="dokuwiki")
    assert (offer.orderable, offer.why_not) == (False, why)
    with pytest.raises(Conflict):
        templates.orderable(db, slug="dokuwiki", department=make_department(db))


def test_a_disk_gone_from_the_cabinet_is_missing_until_it_is_back(db: Session) -> None:
    sync(db, make_spec())
    sync(db, make_spec(), built=[])
    assert templates.catalogue(db, actor=actor_for(db, "ada"))[0].why_not == templates.WHY_MISSING
    sync(db, make_spec())
    assert templates.catalogue(db, actor=actor_for(db, "ada"))[0].orderable


def test_a_disk_that_changed_under_its_name_is_reported_and_not_taken_over(db: Session) -> None:
    sync(db, make_spec())
    report = sync(db, make_spec(), built=[make_built(sha256="b" * 64)])
    assert report.altered == ("dokuwiki v1",)
    assert db.get_one(Template, "dokuwiki").versions[0].sha256 == "a" * 64


def test_a_disk_that_changed_under_its_name_cannot_be_ordered(db: Session) -> None:
    sync(db, make_spec())
    sync(db, make_spec(), built=[make_built(sha256="b" * 64)])
    with pytest.raises(Conflict, match="no longer the one"):
        templates.orderable(db, slug="dokuwiki", department=make_department(db))


def brought(sha256: str) -> TemplateSpec:
    return make_spec(brought=Brought(sha256))


def test_a_brought_disk_is_closed_when_template_yml_names_another_one(db: Session) -> None:
    old = replace(make_built(), spec=spec_to_data(brought("a" * 64)))
    new = replace(make_built(version=2, sha256="c" * 64), spec=spec_to_data(brought("b" * 64)))
    sync(db, brought("a" * 64), built=[old])
    sync(db, brought("b" * 64), built=[old])
    offer = templates.get(db, actor=actor_for(db, "ada"), slug="dokuwiki")
    assert (offer.version, offer.why_not) == (None, templates.WHY_NEW_DISK)
    sync(db, brought("b" * 64), built=[old, new])
    assert templates.orderable(db, slug="dokuwiki", department=make_department(db))[1].version == 2
    sync(db, brought("a" * 64), built=[old, new])
    assert templates.orderable(db, slug="dokuwiki", department=make_department(db))[1].version == 1


def test_a_broken_folder_is_for_administrators_only(db: Session) -> None:
    sync(db, make_spec())
    assert sync(db, BROKEN).broken == ("dokuwiki",)
    assert templates.catalogue(db, actor=actor_for(db, "ada")) == []
    offer = templates.get(db, actor=actor_for(db, "root", role=Role.ADMIN), slug="dokuwiki")
    assert (offer.errors, offer.spec) == (BROKEN.errors, make_spec())


def test_a_vanished_folder_cannot_be_ordered_but_comes_back(db: Session) -> None:
    sync(db, make_spec())
    assert sync(db).gone == ("dokuwiki",)
    with pytest.raises(NotFound):
        templates.get(db, actor=actor_for(db, "ada"), slug="dokuwiki")
    sync(db, make_spec())
    assert templates.get(db, actor=actor_for(db, "ada"), slug="dokuwiki").orderable


def test_only_the_named_departments_see_it(db: Session) -> None:
    sync(db, make_spec(may_order=("digestivo",)))
    assert templates.catalogue(db, actor=actor_for(db, "ada")) == []
    assert len(templates.catalogue(db, actor=actor_for(db, "bea", department="digestivo"))) == 1
    with pytest.raises(NotFound):
        templates.orderable(db, slug="dokuwiki", department=make_department(db, "farmacia"))


def test_departments_that_nobody_has_are_reported(db: Session) -> None:
    assert sync(db, make_spec(may_order=("farmaca",))).unknown_departments == ()  # no department yet: nothing to say
    make_department(db, "farmacia")
    make_department(db, "informatica")
    report = sync(db, make_spec(may_order=("farmacia", "farmaca")))
    assert report.unknown_departments == ("dokuwiki: farmaca",)


def test_a_person_without_a_role_sees_no_catalogue(db: Session) -> None:
    sync(db, make_spec())
    eve = actor_for(db, "eve", role=None)
    with pytest.raises(NotAllowed):
        templates.catalogue(db, actor=eve)
    with pytest.raises(NotFound):
        templates.get(db, actor=eve, slug="dokuwiki")


def test_a_changed_folder_is_read_again(db: Session) -> None:
    sync(db, make_spec())
    report = templates.sync(
        db, found=[make_spec(licence_seats=5)], built={"dokuwiki": [make_built()]}, now=NOW + timedelta(days=1)
    )
    assert report.changed == ("dokuwiki",)
    assert db.get_one(Template, "dokuwiki").read_at == NOW + timedelta(days=1)
