"""Who did what, when and why: written in the transaction of the change, chained so that an edit shows.

Each digest is an HMAC with a key drawn from the portal's: who can write to the database but has not the key cannot
forge a chain. The head (models/audit.AuditHead) is sealed with it too and says how far the log has come.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.orm import Session

from portal.core.errors import N_, NotAllowed
from portal.core.policy import Actor, Permission
from portal.models import AuditEntry, AuditHead, Department, Vm, VmRequest
from portal.models.database import AUDIT_KEY
from portal.services.paging import PER_PAGE, Page, paginate

CHAIN_LOCK = 0x56495645524F  # PostgreSQL's advisory lock of the chain
SYSTEM = "Vivero"
AT_ONCE = 500


@dataclass(frozen=True)
class Subject:
    """What an entry is about."""

    kind: str
    id: str
    name: str
    department_id: UUID | None = None


@dataclass(frozen=True)
class ChainReport:
    """`head` is the newest digest: kept elsewhere, it is a proof that does not hang on this database.

    `cut` says that the newest entries are missing.
    """

    entries: int
    ok: bool
    first_broken_id: int | None = None
    head: str = ""
    cut: bool = False


@dataclass(frozen=True)
class AuditFilter:
    """Every condition that is set must hold."""

    action: str | None = None
    actor_id: UUID | None = None
    subject_id: str | None = None
    department_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def record(
    db: Session,
    *,
    actor: Actor | None,
    action: str,
    subject: Subject,
    now: datetime,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Write an entry in the caller's transaction. `actor` is None for the system itself."""
    entry = AuditEntry(
        at=now,
        actor_id=actor.account_id if actor else None,
        actor=actor.name if actor else SYSTEM,
        action=action,
        subject_kind=subject.kind,
        subject_id=subject.id,
        subject_name=subject.name,
        department_id=subject.department_id,
        reason=reason,
        details=dict(details or {}),
    )
    lock_chain(db)
    db.flush()
    head = db.get(AuditHead, 1, populate_existing=True)
    if head is None:
        head = AuditHead()
        db.add(head)
    entry.digest = digest_of(entry, head.digest, key_of(db))
    db.add(entry)
    db.flush()
    head.entries, head.last_id, head.digest = head.entries + 1, entry.id, entry.digest
    head.seal = seal_of(head, key_of(db))
    db.flush()
    return entry


def lock_chain(db: Session) -> None:
    """One writer at a time. On SQLite the write transaction is that lock already."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CHAIN_LOCK})


def chain_key(secret_key: str) -> bytes:
    """A key of its own, drawn from the portal's one key."""
    return hmac.digest(secret_key.encode(), b"vivero audit chain", "sha256")


def key_of(db: Session) -> bytes:
    key: bytes = db.info.get(AUDIT_KEY, b"")
    return key


def seal_of(head: AuditHead, key: bytes) -> str:
    return hmac.new(key, f"{head.entries} {head.last_id} {head.digest}".encode(), "sha256").hexdigest()


def digest_of(entry: AuditEntry, before: str, key: bytes) -> str:
    """HMAC over the entry as canonical JSON and the digest of the entry before it."""
    content = {
        "before": before,
        "at": entry.at.astimezone(UTC).isoformat(),
        "actor_id": str(entry.actor_id) if entry.actor_id else None,
        "actor": entry.actor,
        "action": entry.action,
        "subject": [entry.subject_kind, entry.subject_id, entry.subject_name],
        "department_id": str(entry.department_id) if entry.department_id else None,
        "reason": entry.reason,
        "details": entry.details,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key, canonical.encode(), "sha256").hexdigest()


def entries(
    db: Session, *, actor: Actor, filters: AuditFilter | None = None, page: int = 1, per_page: int = PER_PAGE
) -> Page[AuditEntry]:
    """Newest first, for whoever may see the audit in the whole house or in departments."""
    departments = actor.departments_for(Permission.SEE_AUDIT)
    if departments is not None and not departments:
        raise NotAllowed(N_("You may not read the audit log."))
    conditions = conditions_of(filters or AuditFilter())
    if departments is not None:
        scopes = [[*conditions, AuditEntry.department_id == department] for department in departments]
    else:
        scopes = [conditions]
    return paginate(db, AuditEntry, scopes=scopes, order=AuditEntry.id, number=page, per_page=per_page)


def every(db: Session, *, actor: Actor, filters: AuditFilter) -> Iterator[AuditEntry]:
    """All entries that fit, newest first, so many at once: for taking them away. For auditors of the whole house."""
    if actor.departments_for(Permission.SEE_AUDIT) is not None:
        raise NotAllowed(N_("You may not read the audit log."))
    query = select(AuditEntry).where(*conditions_of(filters)).order_by(AuditEntry.id.desc()).limit(AT_ONCE)
    some = db.scalars(query).all()
    while some:
        yield from some
        last = some[-1].id
        db.expunge_all()
        some = db.scalars(query.where(AuditEntry.id < last)).all()


def conditions_of(filters: AuditFilter) -> list[ColumnElement[bool]]:
    wanted = {
        AuditEntry.action: filters.action,
        AuditEntry.actor_id: filters.actor_id,
        AuditEntry.subject_id: filters.subject_id,
        AuditEntry.department_id: filters.department_id,
    }
    conditions = [column == value for column, value in wanted.items() if value]
    if filters.since:
        conditions.append(AuditEntry.at >= filters.since)
    if filters.until:
        conditions.append(AuditEntry.at < filters.until)
    return conditions


def history_of(db: Session, *subject_ids: UUID, most: int = 100) -> list[AuditEntry]:
    """What happened to these things, newest first. The caller has checked that the person may see them."""
    wanted = [str(subject_id) for subject_id in subject_ids]
    query = select(AuditEntry).where(AuditEntry.subject_id.in_(wanted)).order_by(AuditEntry.id.desc())
    return list(db.scalars(query.limit(most)))


def subject_of(row: VmRequest | Vm | Department) -> Subject:
    if isinstance(row, Department):
        return Subject("department", str(row.id), row.name, row.id)
    kind = "vm" if isinstance(row, Vm) else "vm_request"
    return Subject(kind, str(row.id), row.name, row.department_id)


def verify_chain(db: Session) -> ChainReport:
    """Recompute every digest from the first entry on, name the first that does not fit, and look for a cut tail."""
    key, head = key_of(db), db.get(AuditHead, 1, populate_existing=True)
    before, count, head_fits = "", 0, False
    for entry in in_order(db):
        count += 1
        if not hmac.compare_digest(entry.digest, digest_of(entry, before, key)):
            return ChainReport(count, ok=False, first_broken_id=entry.id, head=before)
        before = entry.digest
        if head is not None and entry.id == head.last_id:
            head_fits = (head.entries, head.digest, head.seal) == (count, before, seal_of(head, key))
    cut = not head_fits and (count > 0 or head is not None)
    return ChainReport(count, ok=not cut, head=before, cut=cut)


def in_order(db: Session) -> Iterator[AuditEntry]:
    """All entries, so many at once. No cursor stays open on the server when the reader stops early."""
    query, last = select(AuditEntry).order_by(AuditEntry.id).limit(AT_ONCE), 0
    while some := db.scalars(query.where(AuditEntry.id > last)).all():
        yield from some
        last = some[-1].id
