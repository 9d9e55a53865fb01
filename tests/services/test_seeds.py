"""The demonstration's hospital: one person a role, each with what the role may, and nothing twice."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.errors import LoginFailed
from portal.core.policy import Permission
from portal.interfaces import HostAddress
from portal.models import Account, AuditEntry, Department, Host
from portal.services import accounts, log_ins, seeds, tokens
from tests.factories.moments import NOW

HOSTS = (HostAddress("hv1", "10.77.0.11"), HostAddress("hv2", "10.77.0.12"))


def test_everybody_can_log_in_and_use_the_api(db: Session) -> None:
    made = seeds.seed_demo(db, known_hosts=HOSTS, now=NOW)
    assert set(made) == {"requester", "requester2", "approver", "teacher", "student", "admin", "auditor"}
    for credentials in made.values():
        account = log_ins.log_in(db, login=credentials.user, password=credentials.password, now=NOW)
        assert tokens.account_for(db, credentials.token, NOW) is account


def test_seeding_again_changes_only_passwords_and_tokens(db: Session) -> None:
    old = seeds.seed_demo(db, known_hosts=HOSTS, now=NOW)["requester"]
    new = seeds.seed_demo(db, known_hosts=HOSTS, now=NOW)["requester"]
    assert db.scalar(select(func.count()).select_from(Account)) == 7
    assert db.scalar(select(func.count()).select_from(Department)) == 5
    assert db.scalar(select(func.count()).select_from(Host)) == 2
    assert tokens.account_for(db, old.token, NOW) is None
    with pytest.raises(LoginFailed):
        log_ins.log_in(db, login=old.user, password=old.password, now=NOW)
    assert log_ins.log_in(db, login=new.user, password=new.password, now=NOW).login == new.user


def test_the_two_requesters_are_of_two_departments_and_the_approver_of_both(db: Session) -> None:
    made = seeds.seed_demo(db, known_hosts=(), now=NOW)
    actors = {
        key: accounts.actor_of(db.scalars(select(Account).where(Account.login == one.user)).one())
        for key, one in made.items()
    }
    first = actors["requester"].departments_for(Permission.SUBMIT)
    second = actors["requester2"].departments_for(Permission.SUBMIT)
    decides = actors["approver"].departments_for(Permission.APPROVE)
    assert first is not None
    assert second is not None
    assert decides is not None
    assert not first & second
    assert first | second <= decides


def test_no_secret_is_in_the_audit_log_or_shown(db: Session) -> None:
    made = seeds.seed_demo(db, known_hosts=HOSTS, now=NOW)
    written = "".join(map(repr, db.scalars(select(AuditEntry)))) + repr(made)
    for credentials in made.values():
        assert credentials.password not in written
        assert credentials.token not in written
