"""Rehearsals of classes: asked for by their teacher or begun by the clock the evening before, and always cleared."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NoCapacity, PortalError, plain
from portal.core.lease import DEFAULT_TIMEZONE, local_day
from portal.core.lifecycle import ClassApproval, LabSessionState
from portal.core.policy import Actor
from portal.interfaces import WorkflowQueue
from portal.models import LabSession, Rehearsal
from portal.services import class_approvals, class_notices, lone_seats, workflows
from portal.services.audit import record
from portal.services.lab_sessions import locked, plan_of
from portal.services.seats import subject_of

EVENING, LAST_CALL = time(18), time(23)
NOT_BOOKED = N_("Only a class whose preparation has not begun can be rehearsed.")
UNDER_WAY = N_("A rehearsal of this class is under way already.")
NO_ROOM = N_("There is no room for a rehearsal now: machines and classes need all of it. Try again later.")


def newest(db: Session, lab_session_id: UUID) -> Rehearsal | None:
    query = select(Rehearsal).where(Rehearsal.lab_session_id == lab_session_id)
    return db.scalars(query.order_by(Rehearsal.asked_at.desc(), Rehearsal.id).limit(1)).first()


def ask(
    db: Session, *, actor: Actor, lab_session_id: UUID, queue: WorkflowQueue, now: datetime, reserve_hosts: int = 1
) -> Rehearsal:
    """Rehearse now. Raises Conflict unless the class is only booked, and NoCapacity while there is no room."""
    lab_session = locked(db, actor, lab_session_id)
    return begin(db, lab_session, by=actor, queue=queue, now=now, reserve_hosts=reserve_hosts)


def begin(
    db: Session, lab_session: LabSession, *, by: Actor | None, queue: WorkflowQueue, now: datetime, reserve_hosts: int
) -> Rehearsal:
    """The class's row is locked by us, so that there is one rehearsal of it at a time."""
    if lab_session.state != LabSessionState.BOOKED:
        raise Conflict(NOT_BOOKED)
    class_approvals.refuse_waiting(lab_session)
    latest = newest(db, lab_session.id)
    if latest is not None and latest.ended_at is None:
        raise Conflict(UNDER_WAY)
    rehearsal = Rehearsal(
        lab_session_id=lab_session.id, asked_at=now, asked_by_id=by.account_id if by is not None else None
    )
    size = plan_of(db, lab_session, lab_session.starts_at).size
    lone_seats.check_room(db, size, id=rehearsal.id, now=now, reserve_hosts=reserve_hosts, refused=NO_ROOM)
    db.add(rehearsal)
    db.flush()
    rehearsal.workflow_id = workflows.begin(db, kind="rehearse_class", subject_id=rehearsal.id, queue=queue, now=now).id
    record(db, actor=by, action="lab_session.rehearsing", subject=subject_of(lab_session), now=now)
    return rehearsal


def stop(db: Session, lab_session_id: UUID, now: datetime) -> None:
    """The class itself is prepared now: a rehearsal that still goes on ends and clears up."""
    latest = newest(db, lab_session_id)
    if latest is not None and latest.ended_at is None and workflows.is_live(db, latest.workflow_id):
        workflows.ask_cancel(db, workflow_id=latest.workflow_id or "", now=now)


def begin_due(
    db: Session,
    *,
    queue: WorkflowQueue,
    now: datetime,
    base_url: str,
    timezone: str = DEFAULT_TIMEZONE,
    reserve_hosts: int = 1,
) -> Rehearsal | None:
    """In the evening, the next class of tomorrow that was not rehearsed this evening; one after the other.

    One that finds no room lets the others go first and is looked at again until eleven. Then its teacher is told, as
    at once when its seats cannot be made at all.
    """
    zone = ZoneInfo(timezone)
    today = local_day(now, timezone)
    evening = datetime.combine(today, EVENING, zone)
    if now < evening or db.scalar(select(Rehearsal.id).where(Rehearsal.ended_at.is_(None)).limit(1)) is not None:
        return None
    first, last = (datetime.combine(today + timedelta(days=days), time(), zone) for days in (1, 2))
    done = select(Rehearsal.lab_session_id).where(Rehearsal.asked_at >= evening)
    due = (
        select(LabSession)
        .where(
            LabSession.state == LabSessionState.BOOKED,
            LabSession.approval != ClassApproval.WAITING,
            LabSession.starts_at >= first,
            LabSession.starts_at < last,
            LabSession.id.not_in(done),
        )
        .order_by(LabSession.starts_at, LabSession.id)
    )
    for lab_session in list(db.scalars(due.with_for_update(of=LabSession, skip_locked=True))):
        try:
            return begin(db, lab_session, by=None, queue=queue, now=now, reserve_hosts=reserve_hosts)
        except PortalError as error:
            if not isinstance(error, NoCapacity) or now >= datetime.combine(today, LAST_CALL, zone):
                note_refused(db, lab_session, error, now=now, base_url=base_url, timezone=timezone)
    return None


def note_refused(
    db: Session, lab_session: LabSession, error: PortalError, *, now: datetime, base_url: str, timezone: str
) -> None:
    """A red result without a seat: its teacher has the evening to do something about it."""
    rehearsal = Rehearsal(lab_session_id=lab_session.id, asked_at=now, reported_at=now, ended_at=now)
    rehearsal.tell_trouble(error.message, plain(error.params))
    db.add(rehearsal)
    db.flush()
    class_notices.tell_rehearsal(db, rehearsal=rehearsal, now=now, base_url=base_url, timezone=timezone)


def clear_due(db: Session, *, queue: WorkflowQueue, now: datetime) -> int:
    return len(lone_seats.clear_failed(db, Rehearsal, queue=queue, now=now))
