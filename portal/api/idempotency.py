"""Idempotency-Key: the same call again gets the same answer and changes nothing, also when both come at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from flask import request
from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.api.context import actor, now, writing
from portal.core.errors import N_, Invalid
from portal.models import IdempotencyKey

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 100

Answer = Mapping[str, Any]


class KeyReused(Invalid):
    """The key was used for another body."""

    code = "idempotency-key-reused"


def once(work: Callable[[Session], Answer], *, status: int, shown_once: str = "") -> tuple[Answer, int]:
    """Do the work in one transaction with the note of its answer, or give back the answer noted before.

    A call that fails notes nothing and may be tried again with the same key. What stands under `shown_once` is
    a list that only the first answer holds.
    """
    key = request.headers.get(HEADER)
    with writing() as db:
        if key is None:
            return work(db), status
        check_key(key)
        if not claim(db, key):
            return earlier(db, key)
        answer = work(db)
        row = noted(db, key)
        row.answer, row.status = {**answer, **({shown_once: []} if shown_once else {})}, status
        return answer, status


def check_key(key: str) -> None:
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Invalid(N_("The key has 1 to %(most)s visible ASCII characters."), field=HEADER, most=LONGEST_KEY)


def claim(db: Session, key: str) -> bool:
    """Take the key; False if it was taken. PostgreSQL waits here for another transaction that is taking it."""
    db.execute(delete(IdempotencyKey).where(IdempotencyKey.made_at < now() - KEPT_FOR))
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {
        "account_id": actor().account_id,
        "key": key,
        "body_digest": body_digest(),
        "status": 0,
        "answer": {},
        "made_at": now(),
    }
    claiming = insert(IdempotencyKey).values(values).on_conflict_do_nothing().returning(IdempotencyKey.key)
    return db.execute(claiming).scalar() is not None


def noted(db: Session, key: str) -> IdempotencyKey:
    return db.get_one(IdempotencyKey, (actor().account_id, key))


def earlier(db: Session, key: str) -> tuple[Answer, int]:
    row = noted(db, key)
    if row.body_digest != body_digest():
        raise KeyReused(N_("This key was used for another call already."), field=HEADER)
    return row.answer, row.status


def body_digest() -> str:
    """Covers what is called and with which body; the order of its fields does not matter."""
    body = json.dumps(request.get_json(force=True), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).hexdigest()
