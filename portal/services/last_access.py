"""When an account was used before this log-in, so that its owner notices a stranger (ENS op.acc.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import Account


@dataclass(frozen=True)
class LastAccess:
    login_at: datetime | None = None
    failed_at: datetime | None = None


def last_access(db: Session, *, login: str) -> LastAccess:
    """Read it before `log_ins.log_in`, which writes the new one; show it only after that succeeded."""
    query = select(Account.last_login_at, Account.last_failed_at).where(Account.login == login.strip().lower()[:80])
    row = db.execute(query).first()
    return LastAccess(row[0], row[1]) if row else LastAccess()
