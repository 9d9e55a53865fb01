"""Logging in, with one message for all failures, and passwords."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import Invalid, LoginFailed
from portal.core.policy import Role
from portal.models import Account, AuditEntry, LoginSession
from portal.services import accounts, log_ins, login_sessions, tokens
from tests.factories import actor_for
from tests.factories.moments import NOW
from tests.services.people import PASSWORD, create


def log_in(db: Session, password: str = PASSWORD, *, login: str = "ada", minutes: int = 0) -> Account:
    return log_ins.log_in(db, login=login, password=password, now=NOW + timedelta(minutes=minutes))


def test_a_new_account_can_log_in(db: Session) -> None:
    account = create(db)
    assert log_in(db) is account
    assert account.last_login_at == NOW
    assert PASSWORD not in account.password_hash


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
    ("typed", "kept"),
    [("nobody", "nobody"), ("Quiet Green River", ""), ("quiet-green-river-stone", ""), ("Pa55word!", ""), ("", "")],
)
def test_a_password_typed_as_user_name_is_not_kept_in_the_log(db: Session, typed: str, kept: str) -> None:
    with pytest.raises(LoginFailed):
        log_in(db, login=typed)
    assert db.scalars(select(AuditEntry.subject_name)).all() == [kept]


def test_a_password_set_by_an_administrator_ends_the_tokens(db: Session) -> None:
    account = create(db)
    _token, text = tokens.issue(db, actor=None, account=account, name="script", days=1, now=NOW)
    log_ins.set_password(db, actor=None, account_id=account.id, password=PASSWORD + " more", now=NOW)
    assert tokens.account_for(db, text, NOW) is None


@pytest.mark.parametrize("end", [True, False])
def test_who_changes_the_own_password_chooses_whether_tokens_end(db: Session, end: bool) -> None:
    account = create(db)
    _token, text = tokens.issue(db, actor=None, account=account, name="script", days=1, now=NOW)
    actor = accounts.actor_of(account)
    log_ins.change_password(db, actor=actor, old=PASSWORD, new=PASSWORD + " more", now=NOW, end_tokens=end)
    assert (tokens.account_for(db, text, NOW) is None) == end


def test_changing_the_password_needs_the_old_one_and_ends_the_log_ins(db: Session) -> None:
    account = create(db)
    login_sessions.open_session(db, account_id=account.id, now=NOW)
    actor = accounts.actor_of(account)
    with pytest.raises(Invalid):
        log_ins.change_password(db, actor=actor, old="wrong", new="another good sentence", now=NOW)
    log_ins.change_password(db, actor=actor, old=PASSWORD, new="another good sentence", now=NOW)
    assert db.scalars(select(LoginSession)).all() == []
    assert log_in(db, "another good sentence") is account


def test_an_administrator_unlocks_with_a_new_password(db: Session) -> None:
    account = create(db)
    account.locked_until = NOW + timedelta(minutes=10)
    root = actor_for(db, "root", role=Role.ADMIN)
    log_ins.set_password(db, actor=root, account_id=account.id, password="a fresh start today", now=NOW)
    assert log_in(db, "a fresh start today") is account
