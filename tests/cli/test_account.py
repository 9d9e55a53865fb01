"""`vivero account` and `vivero token`: people and tokens made on the server."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import Account, TemplateVersion
from portal.services import departments, log_ins, quotas, tokens
from portal.wiring import utc_now
from tests.cli.conftest import Vivero
from tests.factories import make_account, make_department

PASSWORD = "quiet green river stone"


def create(vivero: Vivero, *words: str, code: int = 0, stdin: str = "") -> str:
    named = ("--name", "Luis Gil", "--email", "luis@hospital.example")
    return vivero("account", "create", "luis", *named, *words, code=code, stdin=stdin)


@pytest.fixture(autouse=True)
def pharmacy(db: Session) -> None:
    make_department(db)
    db.commit()


def test_an_account_is_made_with_a_password_that_is_shown_once(vivero: Vivero, db: Session) -> None:
    said = create(vivero, "--role", "approver@farmacia")
    password = said.split()[-1]
    assert log_ins.log_in(db, login="luis", password=password, now=utc_now()).name == "Luis Gil"


def test_a_password_comes_by_the_standard_input_and_is_not_shown(vivero: Vivero, db: Session) -> None:
    said = create(vivero, "--role", "auditor", "--password-stdin", stdin=PASSWORD + "\n")
    assert PASSWORD not in said
    assert log_ins.log_in(db, login="luis", password=PASSWORD, now=utc_now())


@pytest.mark.parametrize("role", ["king", "approver@moon", "approver", "admin@farmacia"])
def test_a_strange_role_is_one_clear_line(vivero: Vivero, db: Session, role: str) -> None:
    said = create(vivero, "--role", role, code=1)
    assert said.startswith("vivero: ")
    assert len(said.splitlines()) == 1
    assert db.scalar(select(Account)) is None


def test_passwords_and_roles_are_changed(vivero: Vivero, db: Session) -> None:
    create(vivero, "--role", "requester@farmacia")
    vivero("account", "password", "luis", "--password-stdin", stdin=PASSWORD)
    vivero("account", "roles", "luis", "--role", "admin")
    account = log_ins.log_in(db, login="luis", password=PASSWORD, now=utc_now())
    assert [str(one.role) for one in account.memberships] == ["admin"]
    assert "admin" in vivero("account", "list", "Luis")


def test_an_account_is_shut_out_and_let_in(vivero: Vivero, db: Session) -> None:
    account = make_account(db, "luis")
    db.commit()
    vivero("account", "active", "luis", "--off")
    db.refresh(account)
    assert not account.active
    vivero("account", "active", "luis")
    db.refresh(account)
    assert account.active


def test_nobody_is_an_unknown_account(vivero: Vivero) -> None:
    assert vivero("account", "password", "nobody", code=1) == "vivero: There is no such account.\n"


def test_a_hospital_makes_its_departments_and_changes_what_they_may_take(vivero: Vivero, db: Session) -> None:
    vivero("account", "department", "uci", "--name", "Cuidados intensivos", "--machines", "3")
    create(vivero, "--role", "requester@uci")
    vivero("account", "department", "uci", "--memory-gb", "4")
    limit = quotas.limit_of(departments.by_slug(db, "uci"))
    assert (limit.machines, limit.memory_mib) == (3, 4096)
    assert "Cuidados intensivos" in vivero("account", "departments")


def test_a_new_department_needs_a_name(vivero: Vivero) -> None:
    assert vivero("account", "department", "uci", code=1) == "vivero: Please write the department's name.\n"


def test_a_token_is_shown_once_listed_and_ended(vivero: Vivero, db: Session) -> None:
    make_account(db, "luis")
    db.commit()
    text = vivero("token", "issue", "luis", "--name", "script").strip()
    assert tokens.account_for(db, text, utc_now()) is not None
    listed = vivero("token", "list", "luis")
    assert "script" in listed
    assert text not in listed
    vivero("token", "revoke", listed.splitlines()[1].split()[0])
    db.rollback()
    assert tokens.account_for(db, text, utc_now()) is None
    assert "90 days" in vivero("token", "issue", "luis", "--name", "x", "--days", "91", code=1)


def test_the_demonstration_is_seeded_with_a_catalogue_that_can_be_ordered(vivero: Vivero, db: Session) -> None:
    hosts = json.dumps([{"name": "hv1", "address": "10.77.0.11", "port": 22, "user": "root"}])
    made = json.loads(vivero("account", "seed-demo", "--hosts", hosts))
    assert set(made["requester"]) == {"user", "password", "token"}
    assert tokens.account_for(db, made["auditor"]["token"], utc_now()) is not None
    assert "micro-linux" in set(db.scalars(select(TemplateVersion.template_slug)))
