"""API tokens: shown once, kept as a hash, at most 90 days, ended at will."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, NotAllowed, NotFound
from portal.core.policy import Actor, Permission
from portal.models import Account, ApiToken
from portal.services.audit import Subject, record

PREFIX = "viv_"
LONGEST_DAYS = 90
MOST_LIVING = 20
USED_EVERY = timedelta(minutes=5)


def hash_of(token_text: str) -> str:
    return hashlib.sha256(token_text.encode()).hexdigest()


def issue(
    db: Session, *, actor: Actor | None, account: Account, name: str, days: int, now: datetime
) -> tuple[ApiToken, str]:
    """A new token and its text, which is shown this once. For oneself; the command line (None) for anybody."""
    if actor is not None and actor.account_id != account.id:
        raise NotAllowed(N_("You may make tokens only for yourself."))
    if not 1 <= days <= LONGEST_DAYS:
        raise Invalid(N_("A token lasts between 1 and %(most)s days."), field="days", most=LONGEST_DAYS)
    if not 1 <= len(name.strip()) <= 100:
        raise Invalid(N_("Please give the token a name, so that you know it again."), field="name")
    if len(living(db, account.id, now)) >= MOST_LIVING:
        raise Conflict(N_("There are too many tokens already. End one first."))
    token_text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        account_id=account.id,
        name=name.strip(),
        token_hash=hash_of(token_text),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    db.add(token)
    db.flush()
    record(db, actor=actor, action="token.issued", subject=about(token), now=now, details={"account": account.login})
    return token, token_text


def about(token: ApiToken) -> Subject:
    return Subject("token", str(token.id), token.name)


def account_for(db: Session, token_text: str, now: datetime) -> Account | None:
    """The active account of a living token. Only reads: see `note_use`."""
    token = token_of(db, token_text, now)
    return token.account if token and token.account.active else None


def token_of(db: Session, token_text: str, now: datetime) -> ApiToken | None:
    if not token_text.startswith(PREFIX) or len(token_text) > 200:
        return None
    token = db.scalar(select(ApiToken).where(ApiToken.token_hash == hash_of(token_text)))
    return token if token and token.revoked_at is None and token.expires_at > now else None


def note_use(db: Session, token_text: str, now: datetime) -> None:
    """Write when it was last used, every few minutes at most."""
    token = token_of(db, token_text, now)
    if token and (token.last_used_at is None or now - token.last_used_at > USED_EVERY):
        token.last_used_at = now


def living(db: Session, account_id: UUID, now: datetime) -> list[ApiToken]:
    query = select(ApiToken).where(
        ApiToken.account_id == account_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
    )
    return list(db.scalars(query.order_by(ApiToken.created_at)))


def revoke(db: Session, *, actor: Actor | None, token_id: UUID, now: datetime) -> ApiToken:
    token = db.get(ApiToken, token_id)
    own = actor is None or (token is not None and token.account_id == actor.account_id)
    if token is None or not (own or (actor and actor.may(Permission.MANAGE_ACCOUNTS))):
        raise NotFound(N_("There is no such token."))
    if token.revoked_at is None:
        token.revoked_at = now
        record(db, actor=actor, action="token.revoked", subject=about(token), now=now)
    return token


def revoke_all_of(db: Session, account_id: UUID, now: datetime) -> None:
    db.execute(
        update(ApiToken).where(ApiToken.account_id == account_id, ApiToken.revoked_at.is_(None)).values(revoked_at=now)
    )
