"""The library of labs through the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from portal.core.policy import Role
from portal.models import Lab
from tests.api.conftest import Caller, problem
from tests.factories.department_labs import make_department_lab, publish_again
from tests.factories.labs import make_lab, make_micro_linux


@pytest.fixture
def tom(caller: Callable[..., Caller]) -> Caller:
    return caller("tom", Role.TEACHER)


@pytest.fixture(autouse=True)
def wiki_page(db: Session) -> None:
    make_micro_linux(db)
    make_lab(db)
    db.commit()


def test_the_library_says_what_can_be_taught(tom: Caller) -> None:
    (lab,) = tom.get("/labs", **{"Accept-Language": "en"}).get_json()
    assert (lab["slug"], lab["title"], lab["teachable"], lab["why_not"]) == ("wiki-page", "A page", True, None)
    assert lab["seat"] == {"machines": 2, "vcpus": 2, "memory_mib": 256, "disk_gib": 2}
    assert [step["step"] for step in lab["steps"]] == ["look", "write"]


def test_one_lab_has_its_guide_in_the_callers_language(tom: Caller) -> None:
    guides = [tom.get("/labs/wiki-page", **{"Accept-Language": code}).get_json()["guide"][:7] for code in ("es", "en")]
    assert guides == ["Hola.\n\n", "Welcome"]


def test_a_lab_that_cannot_be_taught_says_why(tom: Caller, db: Session) -> None:
    db.get_one(Lab, "wiki-page").errors = [
        {"file": "lab.yml", "line": 3, "field": "steps", "message": "No.", "params": {}}
    ]
    make_lab(db, "no-machine", machines=())
    db.get_one(Lab, "wiki-page").gone = True
    db.commit()
    assert [lab["slug"] for lab in tom.get("/labs").get_json()] == ["no-machine"]


def test_who_manages_labs_reads_what_is_wrong_with_them(alan: Caller, db: Session) -> None:
    db.get_one(Lab, "wiki-page").errors = [
        {"file": "lab.yml", "line": 3, "field": "steps", "message": "No.", "params": {}}
    ]
    db.commit()
    lab = alan.get("/labs/wiki-page").get_json()
    assert (lab["teachable"], lab["errors"]) == (False, ["lab.yml:3: steps: No."])


def test_a_lab_of_another_department_is_not_there(tom: Caller, db: Session) -> None:
    make_lab(db, "theirs", offered_to=("radiologia",))
    db.commit()
    assert problem(tom.get("/labs/theirs")) == (404, "not-found")
    assert [lab["slug"] for lab in tom.get("/labs").get_json()] == ["wiki-page"]


@pytest.mark.parametrize("slug", ["nothing", "%00", "x" * 500])
def test_what_is_no_lab_is_not_there(tom: Caller, slug: str) -> None:
    assert problem(tom.get(f"/labs/{slug}")) == (404, "not-found")


def test_who_does_not_teach_sees_no_labs(ada: Caller, nobody: Caller) -> None:
    assert problem(ada.get("/labs")) == (403, "not-allowed")
    assert problem(nobody.get("/labs")) == (401, "no-token")


def test_a_lab_is_cloned_for_the_own_department(tom: Caller, eve: Caller, db: Session) -> None:
    answer = tom.post("/labs/wiki-page/clone", {"name": "ours"})
    assert (answer.status_code, answer.get_json()) == (
        201,
        {"slug": "farmacia.ours", "department": "farmacia", "cloned_from": "wiki-page v1"},
    )
    assert problem(tom.post("/labs/wiki-page/clone", {"name": "ours"})) == (409, "conflict")
    assert problem(tom.post("/labs/wiki-page/clone", {"name": "Not This"})) == (422, "invalid")
    assert problem(tom.post("/labs/nothing/clone", {"name": "x"})) == (404, "not-found")
    assert problem(tom.post("/labs/%00/clone", {"name": "x"})) == (404, "not-found")
    assert problem(tom.post("/labs/wiki-page/clone", {"name": "x", "department": "radiologia"})) == (422, "invalid")
    assert problem(eve.post("/labs/wiki-page/clone", {"name": "x"})) == (403, "not-allowed")


def test_a_department_subscribes_and_sees_which_version_it_teaches(
    tom: Caller, caller: Callable[..., Caller], db: Session
) -> None:
    make_department_lab(db, to_all=True)
    db.commit()
    rosa = caller("rosa", Role.TEACHER, "radiologia")
    lab = rosa.get("/labs/farmacia.wiki").get_json()
    assert (lab["department"], lab["cloned_from"], lab["teachable"]) == ("farmacia", "wiki-page v1", False)
    answer = rosa.post("/labs/farmacia.wiki/subscription", {"version": 1})
    assert answer.get_json() == {"lab": "farmacia.wiki", "department": "radiologia", "version": 1}
    publish_again(db)
    db.commit()
    seen = [who.get("/labs/farmacia.wiki").get_json() for who in (rosa, tom)]
    assert [(lab["version"], lab["newest_version"]) for lab in seen] == [(1, 2), (2, 2)]
    assert [(lab["subscribed"], lab["teachable"]) for lab in seen] == [(True, True), (False, True)]
    assert problem(rosa.post("/labs/farmacia.wiki/subscription", {"version": 1})) == (409, "conflict")
    assert problem(tom.post("/labs/farmacia.wiki/subscription", {"version": 2})) == (409, "conflict")
    assert problem(rosa.post("/labs/wiki-page/subscription", {"version": 1})) == (404, "not-found")
