"""Accounts: making them, their roles, and finding people."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, InvalidOrder, NotAllowed
from portal.core.policy import Grant, Permission, Role
from portal.services import accounts
from tests.factories import actor_for, make_account, make_department, make_vm
from tests.factories.moments import NOW
from tests.services.people import create


def test_an_actor_has_the_grants_of_the_account(db: Session) -> None:
    actor = accounts.actor_of(create(db))
    assert actor.may(Permission.SUBMIT, make_department(db).id)
    assert not actor.may(Permission.SUBMIT, make_department(db, "laboratorio").id)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"login": "A"}, "login"),
        ({"login": "ada ruiz"}, "login"),
        ({"email": "nowhere"}, "email"),
        ({"name": " "}, "name"),
        ({"locale": "fr"}, "locale"),
        ({"password": "short"}, "password"),
        ({"password": "aaaaaaaaaaaaaaaaaaaa"}, "password"),
        ({"password": "my name is ada, you know"}, "password"),
        ({"grants": [Grant(Role.ADMIN, None), Grant(Role.AUDITOR, None)]}, "grants"),
        ({"grants": [Grant(Role.REQUESTER, None)]}, "grants"),
    ],
)
def test_a_wrong_answer_names_its_field(db: Session, changes: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as raised:
        create(db, **changes)
    assert raised.value.field == field


def test_all_that_is_wrong_with_a_new_account_is_said_at_once(db: Session) -> None:
    with pytest.raises(InvalidOrder) as raised:
        create(db, login="A", name="", email="nowhere", password="short")
    assert [error.field for error in raised.value.errors] == ["login", "name", "email", "password"]


def test_a_login_is_given_once(db: Session) -> None:
    create(db)
    with pytest.raises(Conflict):
        create(db)


def test_only_who_manages_accounts_makes_them(db: Session) -> None:
    with pytest.raises(NotAllowed):
        create(db, actor=actor_for(db, "grace", role=Role.APPROVER))
    assert create(db, actor=actor_for(db, "root", role=Role.ADMIN)).login == "ada"


def test_the_last_administrator_stays_one(db: Session) -> None:
    root = actor_for(db, "root", role=Role.ADMIN)
    make_account(db, "gone", role=Role.ADMIN, active=False)
    with pytest.raises(Conflict):
        accounts.set_grants(db, actor=root, account_id=root.account_id, grants=[], now=NOW)
    with pytest.raises(Conflict):
        accounts.set_active(db, actor=None, account_id=root.account_id, active=False, now=NOW)
    make_account(db, "second", role=Role.ADMIN)
    assert accounts.set_grants(db, actor=root, account_id=root.account_id, grants=[], now=NOW).memberships == []


def test_roles_are_replaced(db: Session) -> None:
    account = create(db)
    laboratory = make_department(db, "laboratorio")
    accounts.set_grants(db, actor=None, account_id=account.id, grants=[Grant(Role.APPROVER, laboratory.id)], now=NOW)
    assert accounts.actor_of(account).grants == (Grant(Role.APPROVER, laboratory.id),)


def test_colleagues_are_the_active_people_of_the_department(db: Session) -> None:
    tom = make_account(db, "tom")
    make_account(db, "gone", active=False)
    make_account(db, "eve", department="laboratorio")
    ada = actor_for(db, "ada")
    assert accounts.colleagues(db, actor=ada, department_id=make_department(db).id) == [tom]
    with pytest.raises(NotAllowed):
        accounts.colleagues(db, actor=ada, department_id=make_department(db, "laboratorio").id)


def test_a_student_who_owns_a_machine_finds_colleagues_for_it(db: Session) -> None:
    sam, tom = make_account(db, "sam", role=Role.STUDENT), make_account(db, "tom")
    department = make_department(db)
    with pytest.raises(NotAllowed):
        accounts.colleagues(db, actor=actor_for(db, "sam"), department_id=department.id)
    make_vm(db, owner=sam)
    assert accounts.colleagues(db, actor=actor_for(db, "sam"), department_id=department.id) == [tom]


def test_a_department_without_approver_is_decided_by_administrators(db: Session) -> None:
    root = make_account(db, "root", role=Role.ADMIN)
    here = make_department(db).id
    assert accounts.approvers_of(db, here) == [root]
    grace = make_account(db, "grace", role=Role.APPROVER)
    assert accounts.approvers_of(db, here) == [grace]
    assert accounts.approvers_of(db, here, but=grace.id) == [root]


def test_accounts_are_listed_by_name(db: Session) -> None:
    make_account(db, "zoe")
    ada = make_account(db, "ada")
    root = actor_for(db, "root", role=Role.ADMIN)
    assert accounts.listing(db, actor=root, text="ad").items == (ada,)
    assert [one.login for one in accounts.listing(db, actor=root).items] == ["ada", "root", "zoe"]
    with pytest.raises(NotAllowed):
        accounts.listing(db, actor=actor_for(db, "zoe"))
