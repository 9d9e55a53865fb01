"""Logging in, and the passwords for it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Invalid, LoginFailed
from portal.core.passwords import SHORTEST, check_password, lock_until
from portal.core.policy import Actor
from portal.models import Account
from portal.services import login_sessions, tokens
from portal.services.accounts import LOGIN, about, actor_of, by_id, require_management
from portal.services.audit import Subject, record
from portal.services.passwords import hash_password, password_fits
from portal.services.transactions import let_go


def log_in(db: Session, *, login: str, password: str, now: datetime) -> Account:
    """Return the account, or raise LoginFailed with one message for all reasons.

    **Commit in both cases**: a failed try is counted, and written to the audit log, in `db`. The transaction is ended
    while the password is checked: that is slow on purpose, and a whole class logs in at the same minute.
    """
    by_login = select(Account).where(Account.login == login.strip().lower()[:80])
    known_hash = db.scalar(by_login.with_only_columns(Account.password_hash))
    let_go(db)
    fits = password_fits(known_hash, password[:1000])
    account = db.scalar(by_login.execution_options(populate_existing=True))
    fits = fits and account is not None and account.password_hash == known_hash
    if account is None:
        subject = Subject("account", "", name_to_keep(login))
        record(db, actor=None, action="login.failed", subject=subject, now=now, reason="unknown")
        raise LoginFailed(N_("The user name or the password is not right, or the account is locked."))
    locked = account.locked_until is not None and account.locked_until > now
    if not fits or locked or not account.active:
        count_failure(db, account, now, reason="locked" if locked else "password" if account.active else "inactive")
        raise LoginFailed(N_("The user name or the password is not right, or the account is locked."))
    account.failed_logins, account.locked_until, account.last_login_at = 0, None, now
    record(db, actor=actor_of(account), action="login.succeeded", subject=about(account), now=now)
    return account


def name_to_keep(login: str) -> str:
    """What was typed as an unknown user name, for the audit log, if it can be no password: those are longer or odder.

    People type their password into the wrong field, and the log is kept for ever.
    """
    name = login.strip()
    return name if LOGIN.fullmatch(name) and len(name) < SHORTEST else ""


def count_failure(db: Session, account: Account, now: datetime, *, reason: str) -> None:
    """A try on a locked account is written down but not counted: nobody can be locked out for ever by tries."""
    account.last_failed_at = now
    if reason != "locked":
        account.failed_logins += 1
        account.locked_until = lock_until(account.failed_logins, now)
    record(db, actor=None, action="login.failed", subject=about(account), now=now, reason=reason)


def change_password(db: Session, *, actor: Actor, old: str, new: str, now: datetime, end_tokens: bool = False) -> None:
    """One's own password; all log-ins of the account end (the caller opens a new one for this browser).

    Tokens end if wished: who only wants another password does not want scripts to stop.
    """
    account = by_id(db, actor.account_id)
    if not password_fits(account.password_hash, old[:1000]):
        raise Invalid(N_("This is not your present password."), field="old_password")
    check_password(new, login=account.login)
    account.password_hash = hash_password(new)
    login_sessions.end_all_of(db, account.id)
    if end_tokens:
        tokens.revoke_all_of(db, account.id, now)
    details = {"tokens_ended": end_tokens}
    record(db, actor=actor, action="account.password", subject=about(account), now=now, details=details)


def set_password(db: Session, *, actor: Actor | None, account_id: UUID, password: str, now: datetime) -> None:
    """Somebody else's password, set by an administrator; unlocks the account. All log-ins and tokens end."""
    require_management(actor)
    account = by_id(db, account_id)
    check_password(password, login=account.login)
    account.password_hash = hash_password(password)
    account.failed_logins, account.locked_until = 0, None
    login_sessions.end_all_of(db, account.id)
    tokens.revoke_all_of(db, account.id, now)
    record(db, actor=actor, action="account.password_set", subject=about(account), now=now)
