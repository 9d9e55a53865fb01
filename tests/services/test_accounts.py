"""Accounts: making them, logging in with one message for all failures, passwords and roles."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, InvalidOrder, LoginFailed, NotAllowed
from portal.core.policy import Grant, Permission, Role
from portal.models import Account, AuditEntry, LoginSession
from portal.services import accounts, login_sessions, tokens
from tests.factories import actor_for, make_account, make_department, make_vm
from tests.factories.moments import NOW

PASSWORD = "quiet green river stone"


def create(db: Session, **changes: object) -> Account:
    ordinary = {
        "actor": None,
        "login": "ada",
        "name": "Ada Romero",
        "email": "ada@hospital.example",
        "password": PASSWORD,
        "grants": [Grant(Role.REQUESTER, make_department(db).id)],
        "now": NOW,
    }
    return accounts.create_account(db, **{**ordinary, **changes})  # type: ignore[arg-type]


def log_in(db: Session, password: str = PASSWORD, *, login: str = "ada", minutes: int = 0) -> Account:
    return accounts.log_in(db, login=login, password=password, now=NOW + timedelta(minutes=minutes))


def test_a_new_account_can_log_in(db: Session) -> None:
    account = create(db)
    assert log_in(db) is account
    assert account.last_login_at == NOW
    assert PASSWORD not in account.password_hash


def test_an_actor_has_the_grants_of_the_account(db: Session) -> None:
    actor = accounts.actor_of(create(db))
    assert actor.may(Permission.SUBMIT, make_department(db).id)
    assert not actor.may(Permission.SUBMIT, make_department(db, "laboratorio").id)


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("ada", "wrong"),
        ("nobody", PASSWORD),
        ("", ""),
        ("ada", ""),
        pytest.param("x" * 500, "y" * 5000, id="far-too-long"),
    ],
)
def test_every_failed_log_in_reads_the_same_and_is_audited(db: Session, login: str, password: str) -> None:
    create(db)
    with pytest.raises(LoginFailed, match="not right, or the account is locked"):
        log_in(db, password, login=login)
    assert db.scalars(select(AuditEntry.action).order_by(AuditEntry.id.desc())).first() == "login.failed"


def test_five_failures_lock_for_a_quarter_of_an_hour(db: Session) -> None:
    create(db)
    for _ in range(5):
        with pytest.raises(LoginFailed):
            log_in(db, "wrong")
    with pytest.raises(LoginFailed):
        log_in(db, minutes=14)
    assert log_in(db, minutes=16).failed_logins == 0


def test_four_failures_do_not_lock(db: Session) -> None:
    create(db)
    for _ in range(4):
        with pytest.raises(LoginFailed):
            log_in(db, "wrong")
    assert log_in(db).failed_logins == 0


def test_a_deactivated_account_is_out_at_once(db: Session) -> None:
    account = create(db)
    key = login_sessions.open_session(db, account_id=account.id, now=NOW)
    _token, text = tokens.issue(db, actor=None, account=account, name="script", days=1, now=NOW)
    accounts.set_active(db, actor=None, account_id=account.id, active=False, now=NOW)
    assert login_sessions.load(db, key, NOW) is None
    assert tokens.account_for(db, text, NOW) is None
    with pytest.raises(LoginFailed):
        log_in(db)


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


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("nobody", "nobody"), ("Quiet Green River", ""), ("quiet-green-river-stone", ""), ("Pa55word!", ""), ("", "")],
)
def test_a_password_typed_as_user_name_is_not_kept_in_the_log(db: Session, typed: str, kept: str) -> None:
    with pytest.raises(LoginFailed):
        log_in(db, login=typed)
    assert db.scalars(select(AuditEntry.subject_name)).all() == [kept]


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


def test_a_password_set_by_an_administrator_ends_the_tokens(db: Session) -> None:
    account = create(db)
    _token, text = tokens.issue(db, actor=None, account=account, name="script", days=1, now=NOW)
    accounts.set_password(db, actor=None, account_id=account.id, password=PASSWORD + " more", now=NOW)
    assert tokens.account_for(db, text, NOW) is None


@pytest.mark.parametrize("end", [True, False])
def test_who_changes_the_own_password_chooses_whether_tokens_end(db: Session, end: bool) -> None:
    account = create(db)
    _token, text = tokens.issue(db, actor=None, account=account, name="script", days=1, now=NOW)
    actor = accounts.actor_of(account)
    accounts.change_password(db, actor=actor, old=PASSWORD, new=PASSWORD + " more", now=NOW, end_tokens=end)
    assert (tokens.account_for(db, text, NOW) is None) == end


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


def test_changing_the_password_needs_the_old_one_and_ends_the_log_ins(db: Session) -> None:
    account = create(db)
    login_sessions.open_session(db, account_id=account.id, now=NOW)
    actor = accounts.actor_of(account)
    with pytest.raises(Invalid):
        accounts.change_password(db, actor=actor, old="wrong", new="another good sentence", now=NOW)
    accounts.change_password(db, actor=actor, old=PASSWORD, new="another good sentence", now=NOW)
    assert db.scalars(select(LoginSession)).all() == []
    assert log_in(db, "another good sentence") is account


def test_an_administrator_unlocks_with_a_new_password(db: Session) -> None:
    account = create(db)
    account.locked_until = NOW + timedelta(minutes=10)
    root = actor_for(db, "root", role=Role.ADMIN)
    accounts.set_password(db, actor=root, account_id=account.id, password="a fresh start today", now=NOW)
    assert log_in(db, "a fresh start today") is account


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
