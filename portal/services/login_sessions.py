"""Who is logged in: rows found by the hash of a random key that only the browser has."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from portal.models import LoginSession

IDLE_MINUTES = 15
ABSOLUTE_HOURS = 8
SEEN_EVERY = timedelta(seconds=60)  # a page view writes `seen_at` at most once a minute


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def open_session(
    db: Session,
    *,
    account_id: UUID | None,
    now: datetime,
    data: Mapping[str, Any] | None = None,
    absolute_hours: int = ABSOLUTE_HOURS,
) -> str:
    """Make a session and return its key, which exists nowhere else. `account_id` is None before log-in."""
    key = secrets.token_urlsafe(32)
    db.add(
        LoginSession(
            key_hash=hash_of(key),
            data=dict(data or {}),
            created_at=now,
            seen_at=now,
            expires_at=now + timedelta(hours=absolute_hours),
            account_id=account_id,
        )
    )
    db.flush()
    return key


def load(db: Session, key: str, now: datetime, *, idle_minutes: int = IDLE_MINUTES) -> LoginSession | None:
    """The session of this key unless it is over or idle for too long. Only reads: see `touch`."""
    row = db.get(LoginSession, hash_of(key), populate_existing=True)
    if row is None or now >= row.expires_at or now - row.seen_at > timedelta(minutes=idle_minutes):
        return None
    return row


def load_by_hash(db: Session, key_hash: str, now: datetime, *, idle_minutes: int = IDLE_MINUTES) -> LoginSession | None:
    """As `load`, for who kept only the hash (consoles check that the log-in still lives)."""
    row = db.get(LoginSession, key_hash, populate_existing=True)
    if row is None or now >= row.expires_at or now - row.seen_at > timedelta(minutes=idle_minutes):
        return None
    return row


def needs_touch(row: LoginSession, now: datetime) -> bool:
    return now - row.seen_at > SEEN_EVERY


def touch(db: Session, key_hash: str, now: datetime) -> None:
    """Note that the person is there. Never brings back a session that was ended meanwhile."""
    db.execute(update(LoginSession).where(LoginSession.key_hash == key_hash).values(seen_at=now))


def save(db: Session, key: str, data: Mapping[str, Any], now: datetime) -> bool:
    """Keep the data; False if the session was ended meanwhile."""
    row = db.get(LoginSession, hash_of(key), populate_existing=True)
    if row is None:
        return False
    row.data, row.seen_at = dict(data), now
    db.flush()
    return True


def end(db: Session, key: str) -> None:
    db.execute(delete(LoginSession).where(LoginSession.key_hash == hash_of(key)))


def end_all_of(db: Session, account_id: UUID, *, but_key: str | None = None) -> None:
    condition = [LoginSession.account_id == account_id]
    if but_key:
        condition.append(LoginSession.key_hash != hash_of(but_key))
    db.execute(delete(LoginSession).where(*condition))


def sweep(db: Session, now: datetime, *, idle_minutes: int = IDLE_MINUTES, most: int = 1000) -> int:
    """Delete what is over, at most so many at once; the number tells whether there may be more."""
    idle = now - timedelta(minutes=idle_minutes)
    over = select(LoginSession.key_hash).where(or_(LoginSession.expires_at <= now, LoginSession.seen_at < idle))
    hashes = list(db.scalars(over.limit(most)))
    db.execute(delete(LoginSession).where(LoginSession.key_hash.in_(hashes)))
    return len(hashes)
