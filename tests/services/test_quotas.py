"""What departments may take: counted from claims, changed by who may."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, NotAllowed, NotFound, OverQuota
from portal.core.policy import Permission, Role
from portal.core.quota import Amount, Quota
from portal.services import audit, departments, quotas
from tests.factories import actor_for, make_department, make_vm_request
from tests.factories.moments import NOW


def test_everything_held_counts(db: Session) -> None:
    make_vm_request(db, copies=2, claimed=True)
    make_vm_request(db, claimed=True, memory_mib=4096)
    make_vm_request(db, claimed=True, department="laboratorio")
    assert quotas.used_by(db, make_department(db).id) == Amount(3, 3, 6144, 30)
    assert quotas.used_by(db, make_department(db, "digestivo").id) == Amount()


def test_undecided_requests_are_counted_without_one(db: Session) -> None:
    mine = make_vm_request(db, claimed=True)
    make_vm_request(db, claimed=True, copies=3)
    make_vm_request(db, claimed=True, state="approved")
    assert quotas.undecided(db, but=mine.id).machines == 3


def test_only_what_does_not_suffice_is_named(db: Session) -> None:
    department = make_department(db)
    quota = Quota(limit=Amount(10, 4, 8192, 100), used=Amount(1, 1, 1024, 95))
    with pytest.raises(OverQuota, match=r"has left: 3 processors, 5 GB of disk\.$"):
        quotas.check_quota(quota, Amount(1, 4, 1024, 10), department=department)
    quotas.check_quota(quota, Amount(1, 3, 1024, 5), department=department)


def test_a_quota_is_changed_by_who_manages_and_never_below_nothing(db: Session) -> None:
    here = make_department(db).id
    with pytest.raises(NotAllowed):
        quotas.set_quota(db, actor=actor_for(db, "ada"), department_id=here, limit=Amount(1, 1, 1, 1), now=NOW)
    root = actor_for(db, "root", role=Role.ADMIN)
    with pytest.raises(Invalid):
        quotas.set_quota(db, actor=root, department_id=here, limit=Amount(-1, 1, 1, 1), now=NOW)
    changed = quotas.set_quota(db, actor=root, department_id=here, limit=Amount(1, 2, 3, 4), now=NOW)
    assert quotas.limit_of(changed) == Amount(1, 2, 3, 4)


def test_a_changed_quota_is_written_down_once_with_before_and_after(db: Session) -> None:
    here = make_department(db)
    before, after = quotas.limit_of(here), Amount(1, 2, 3, 4)
    for _twice in range(2):
        quotas.set_quota(db, actor=None, department_id=here.id, limit=after, now=NOW)
    (entry,) = audit.history_of(db, here.id)
    assert (entry.action, entry.details) == ("department.quota", {"from": asdict(before), "to": asdict(after)})


def test_a_department_is_renamed_and_the_log_says_so(db: Session) -> None:
    here = make_department(db)
    assert departments.rename(db, actor=None, department_id=here.id, name=" UCI ", now=NOW).name == "UCI"
    assert [one.action for one in audit.history_of(db, here.id)] == ["department.renamed"]
    with pytest.raises(Invalid):
        departments.rename(db, actor=None, department_id=here.id, name=" ", now=NOW)


def test_the_quotas_of_all_departments_are_as_those_of_each(db: Session) -> None:
    make_vm_request(db, copies=2, claimed=True)
    both = [make_department(db), make_department(db, "laboratorio")]
    assert quotas.quotas_of(db, both) == {one.id: quotas.quota_of(db, one) for one in both}


def test_forms_offer_only_active_departments_of_the_person(db: Session) -> None:
    here = make_department(db)
    make_department(db, "laboratorio")
    make_department(db, "closed", active=False)
    assert quotas.departments(db, actor=actor_for(db, "ada"), permission=Permission.SUBMIT) == [here]
    root = actor_for(db, "root", role=Role.ADMIN)
    assert len(quotas.departments(db, actor=root, permission=Permission.SUBMIT)) == 2


def test_a_closed_department_gets_nothing(db: Session) -> None:
    closed = make_department(db, "closed", active=False)
    with pytest.raises(NotFound):
        quotas.lock_department(db, closed.id)


def test_departments_are_made_once_by_who_manages(db: Session) -> None:
    limit = Amount(1, 1, 1024, 10)
    root = actor_for(db, "root", role=Role.ADMIN)
    made = departments.create_department(db, actor=root, slug="uci", name="UCI", limit=limit, now=NOW)
    assert departments.by_slug(db, "uci") is made
    assert made in departments.listing(db)
    for actor, slug, error in (
        (root, "uci", Conflict),
        (root, "U C I", Invalid),
        (actor_for(db, "ada"), "x1y", NotAllowed),
    ):
        with pytest.raises(error):
            departments.create_department(db, actor=actor, slug=slug, name="UCI", limit=limit, now=NOW)
