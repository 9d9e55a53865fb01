"""The workers that run: each says every few seconds that it lives; one that falls silent is given up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import or_, select, text, update
from sqlalchemy.orm import Session

from portal.models import Worker

LEASE = timedelta(seconds=30)
REAP_LOCK = 0x5245415045  # PostgreSQL's advisory lock: one worker at a time looks after the dead


def enlist(db: Session, *, worker_id: str, machine: str, pid: int, now: datetime, lease: timedelta = LEASE) -> Worker:
    worker = Worker(id=worker_id, machine=machine, pid=pid, started_at=now, lease_until=now + lease)
    db.add(worker)
    return worker


def beat(db: Session, *, worker_id: str, now: datetime, lease: timedelta = LEASE) -> bool:
    """Renew the lease. False: we were silent too long and others have our work; whoever hears this must end."""
    worker = db.get(Worker, worker_id, with_for_update=True)
    if worker is None or worker.reaped_at is not None or worker.stopped_at is not None:
        return False
    worker.lease_until = now + lease
    return True


def leave(db: Session, *, worker_id: str, now: datetime) -> None:
    """The worker ends by itself: what it leaves may be taken up at once."""
    db.execute(update(Worker).where(Worker.id == worker_id, Worker.stopped_at.is_(None)).values(stopped_at=now))


def give_up_others(db: Session, *, now: datetime) -> None:
    """Say that no other worker lives: only who knows it for sure may (on SQLite, by the lock on the file)."""
    db.execute(update(Worker).where(Worker.stopped_at.is_(None), Worker.reaped_at.is_(None)).values(lease_until=now))


def living(db: Session, now: datetime) -> set[str]:
    query = select(Worker.id).where(Worker.lease_until > now, Worker.stopped_at.is_(None), Worker.reaped_at.is_(None))
    return set(db.scalars(query))


def lapsed(db: Session, now: datetime) -> list[str]:
    """Workers that fell silent or ended and whose work nobody has looked after yet."""
    gone = or_(Worker.lease_until <= now, Worker.stopped_at.is_not(None))
    return list(db.scalars(select(Worker.id).where(gone, Worker.reaped_at.is_(None))))


def mark_reaped(db: Session, worker_ids: list[str], now: datetime) -> None:
    if worker_ids:
        db.execute(update(Worker).where(Worker.id.in_(worker_ids)).values(reaped_at=now))


@contextmanager
def alone(db: Session) -> Iterator[bool]:
    """True for one worker at a time, until the transaction ends. On SQLite there is only one worker."""
    if db.get_bind().dialect.name != "postgresql":
        yield True
        return
    yield bool(db.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": REAP_LOCK}))


def sweep(db: Session, now: datetime, *, keep: timedelta = timedelta(days=30)) -> None:
    for worker in db.scalars(select(Worker).where(Worker.reaped_at < now - keep).limit(200)):
        db.delete(worker)
