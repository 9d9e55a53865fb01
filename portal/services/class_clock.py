"""What the clock does with classes: begins their preparation, begins them, ends them, and tries again what failed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.core.errors import N_
from portal.core.lifecycle import ClassApproval, LabSessionState, SeatState, WorkflowState
from portal.interfaces import WorkflowQueue
from portal.models import LabSession, Seat, Workflow
from portal.services import lead_times, workflows
from portal.services.teaching import LIVING, begin, clear, end_class, prepare

TRIED_AGAIN_AFTER = timedelta(minutes=1)


def prepare_due(db: Session, *, queue: WorkflowQueue, now: datetime) -> int:
    """Begin the preparation of classes whose time has come; those that failed are tried again until they are over.

    Their room is theirs from `prepare_at` on; how much of that time they need, their lab's last classes say.
    """
    due = select(LabSession).where(
        LabSession.state == LabSessionState.BOOKED,
        LabSession.approval != ClassApproval.WAITING,
        LabSession.prepare_at <= now,
        LabSession.ends_at > now,
    )
    begun = 0
    for lab_session in list(db.scalars(due.with_for_update(of=LabSession, skip_locked=True))):
        if lead_times.begins_at(db, lab_session) <= now:
            prepare(db, lab_session=lab_session, queue=queue, now=now, by=None)
            begun += 1
    failed = select(LabSession).where(LabSession.state == LabSessionState.PREPARING, LabSession.ends_at > now)
    for lab_session in list(db.scalars(failed.with_for_update(of=LabSession, skip_locked=True))):
        begun += try_again(db, lab_session, queue, now)
    return begun


def try_again(db: Session, lab_session: LabSession, queue: WorkflowQueue, now: datetime) -> bool:
    """Whether the class's last work failed a while ago and is begun again."""
    latest = db.get(Workflow, lab_session.workflow_id) if lab_session.workflow_id else None
    if latest is None or latest.state != WorkflowState.FAILED or latest.ended_at is None:
        return False
    if latest.ended_at + TRIED_AGAIN_AFTER > now:
        return False
    lab_session.workflow_id = workflows.retry(db, workflow_id=latest.id, queue=queue, now=now).id
    return True


def clear_again(db: Session, lab_session: LabSession, queue: WorkflowQueue, now: datetime) -> bool:
    """Whether work was begun for a class that is over and still has seats: it was cancelled, or clearing failed."""
    latest = db.get(Workflow, lab_session.workflow_id) if lab_session.workflow_id else None
    if latest is not None and latest.state in workflows.LIVE:
        return False  # a preparation sees by itself that nobody wants it any more
    if latest is not None and latest.kind == "end_class":
        return try_again(db, lab_session, queue, now)
    clear(db, lab_session, queue=queue, now=now)
    return True


def begin_due(db: Session, *, now: datetime) -> int:
    """Classes that are ready begin at their hour by themselves."""
    due = select(LabSession).where(LabSession.state == LabSessionState.READY, LabSession.starts_at <= now)
    waiting = list(db.scalars(due.with_for_update(of=LabSession, skip_locked=True)))
    for lab_session in waiting:
        begin(db, lab_session, by=None, now=now)
    return len(waiting)


def end_due(db: Session, *, queue: WorkflowQueue, now: datetime) -> int:
    """Classes end at their hour; what could not be taken away is tried again until nothing is left."""
    over = or_(LabSession.ends_at <= now, LabSession.state.in_((LabSessionState.ENDED, LabSessionState.CANCELLED)))
    left = select(Seat.lab_session_id).where(Seat.state.not_in((SeatState.KEPT, SeatState.GONE)))
    due = select(LabSession).where(over, or_(LabSession.state.in_(LIVING), LabSession.id.in_(left)))
    ended = 0
    for lab_session in list(db.scalars(due.with_for_update(of=LabSession, skip_locked=True))):
        if lab_session.state in LIVING:
            ended += end_class(db, actor=None, lab_session=lab_session, queue=queue, now=now) is not None
        else:
            ended += clear_again(db, lab_session, queue, now)
    missed = select(LabSession).where(LabSession.state == LabSessionState.BOOKED, LabSession.ends_at <= now)
    for lab_session in list(db.scalars(missed.with_for_update(of=LabSession, skip_locked=True))):
        lab_session.move_to(LabSessionState.CANCELLED)
        lab_session.tell_trouble(N_("It was never prepared: no worker ran in its time."))
    return ended
