"""Large classes need a second person's yes: asked for when they are booked or grow, decided once, never by themselves.

A class that waits holds its room as any other, but nothing is made for it. A series is decided in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from portal.core.class_limits import ApprovalLimit
from portal.core.errors import N_, AlreadyDecided, Conflict, Invalid, NotFound, OwnRequest
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.lifecycle import ClassApproval, LabSessionState
from portal.core.policy import Actor, Permission
from portal.core.texts import check_text
from portal.models import LabSession
from portal.services import class_approval_notices as notices
from portal.services import invitation_notices
from portal.services.audit import record
from portal.services.seats import subject_of

LONGEST_REASON = 2000
WAITS = (LabSession.approval == ClassApproval.WAITING, LabSession.state == LabSessionState.BOOKED)
NOT_THERE = N_("There is no such class.")
NEEDS_ANOTHER = N_("This class waits for somebody's approval: nothing is made for it before.")
UNDECIDED = N_("It was so large that somebody had to approve it, and nobody had decided when it was to begin.")


def ask(
    db: Session,
    lab_sessions: Sequence[LabSession],
    *,
    by: Actor,
    limit: ApprovalLimit,
    now: datetime,
    base_url: str = "",
    timezone: str = DEFAULT_TIMEZONE,
) -> list[LabSession]:
    """Those of these dates of one class that are over the limit wait for a decision now; approvers get one letter."""
    large = [one for one in lab_sessions if limit.is_passed_by(seats=one.seats, memory_mib=one.memory_mib)]
    for lab_session in large:
        lab_session.approval = ClassApproval.WAITING
        lab_session.approval_asked_at, lab_session.approval_asked_by_id = now, by.account_id
        lab_session.approval_reminded = is_due(lab_session, now)
        lab_session.decided_at = lab_session.decided_by_id = None
        lab_session.decision_comment = ""
        record(db, actor=by, action="lab_session.approval_asked", subject=subject_of(lab_session), now=now)
    db.flush()
    if large:
        notices.tell_asked(db, large, now=now, base_url=base_url, timezone=timezone)
    return large


def drop_small(lab_sessions: Sequence[LabSession], limit: ApprovalLimit) -> None:
    """Those that waited and are no longer over the limit need nobody."""
    for one in lab_sessions:
        if one.waits_for_approval and not limit.is_passed_by(seats=one.seats, memory_mib=one.memory_mib):
            one.approval = ClassApproval.NOT_NEEDED


def is_due(lab_session: LabSession, now: datetime) -> bool:
    """Its preparation ought to begin."""
    return lab_session.prepare_at is not None and lab_session.prepare_at <= now


def refuse_waiting(lab_session: LabSession) -> None:
    if lab_session.waits_for_approval:
        raise Conflict(NEEDS_ANOTHER)


def decidable(db: Session, actor: Actor, lab_session_id: UUID) -> LabSession:
    """The class, if this person may decide on it. Whether it still waits, `waiting_dates` says."""
    lab_session = db.get(LabSession, lab_session_id)
    if lab_session is None:
        raise NotFound(NOT_THERE)
    if is_own(actor, lab_session):
        raise OwnRequest(N_("Nobody decides on their own class."))
    if not actor.may(Permission.APPROVE, lab_session.department_id):
        raise NotFound(NOT_THERE)
    return lab_session


def is_own(actor: Actor, lab_session: LabSession) -> bool:
    """Whoever teaches it, and whoever made it so large."""
    return actor.account_id in (lab_session.teacher_id, lab_session.approval_asked_by_id)


def same_series(lab_session: LabSession) -> ColumnElement[bool]:
    if lab_session.series_id is None:
        return LabSession.id == lab_session.id
    return LabSession.series_id == lab_session.series_id


def waiting_dates(db: Session, lab_session: LabSession, *, seen: datetime | None, now: datetime) -> list[LabSession]:
    """All dates of its series that wait, locked. `seen`: the newest question that the person has read.

    Raises AlreadyDecided when there is none, and Conflict if one has changed since it was read.
    """
    query = select(LabSession).where(same_series(lab_session), *WAITS, LabSession.starts_at > now)
    query = query.order_by(LabSession.starts_at, LabSession.id).with_for_update(of=LabSession)
    waiting = list(db.scalars(query.execution_options(populate_existing=True)).unique())
    if not waiting:
        db.refresh(lab_session)
        raise nothing_to_decide(lab_session)
    if seen is not None and any(one.approval_asked_at and one.approval_asked_at > seen for one in waiting):
        raise Conflict(N_("The teacher has changed this class meanwhile. Please look at it again."))
    return waiting


def nothing_to_decide(lab_session: LabSession) -> AlreadyDecided:
    if lab_session.decided_by is None or lab_session.decided_at is None:
        return AlreadyDecided(N_("Nobody decides on this class any more."))
    return AlreadyDecided(
        N_("This class was already decided by %(name)s at %(at)s."),
        name=lab_session.decided_by.name,
        at=lab_session.decided_at,
    )


def approve(
    db: Session,
    *,
    actor: Actor,
    lab_session_id: UUID,
    now: datetime,
    comment: str = "",
    seen: datetime | None = None,
    base_url: str = "",
    timezone: str = DEFAULT_TIMEZONE,
) -> list[LabSession]:
    """Agree to all dates that wait. Their room was kept all the time, so the clock prepares them as any other."""
    waiting = waiting_dates(db, decidable(db, actor, lab_session_id), seen=seen, now=now)
    check_text(comment, field="comment")
    note_decision(db, waiting, actor, ClassApproval.APPROVED, comment.strip()[:LONGEST_REASON], now)
    notices.tell_approved(db, waiting, by=actor.name, now=now, base_url=base_url, timezone=timezone)
    return waiting


def deny(
    db: Session,
    *,
    actor: Actor,
    lab_session_id: UUID,
    reason: str,
    now: datetime,
    seen: datetime | None = None,
    base_url: str = "",
    timezone: str = DEFAULT_TIMEZONE,
) -> list[LabSession]:
    """Cancel all dates that wait, with a reason, which the teacher reads. Their room is free again."""
    waiting = waiting_dates(db, decidable(db, actor, lab_session_id), seen=seen, now=now)
    reason = reason.strip()
    if not 3 <= len(reason) <= LONGEST_REASON:
        raise Invalid(N_("Please give a reason: the teacher will read it."), field="reason")
    check_text(reason, field="reason")
    note_decision(db, waiting, actor, ClassApproval.DENIED, reason, now)
    for lab_session in waiting:
        lab_session.move_to(LabSessionState.CANCELLED)
        lab_session.ended_at = now
    notices.tell_denied(db, waiting, by=actor.name, reason=reason, now=now, base_url=base_url, timezone=timezone)
    invitation_notices.tell_cancelled(db, waiting, now=now, timezone=timezone)
    return waiting


def note_decision(
    db: Session, waiting: Sequence[LabSession], actor: Actor, approval: ClassApproval, words: str, now: datetime
) -> None:
    action = "lab_session.approved" if approval == ClassApproval.APPROVED else "lab_session.denied"
    for lab_session in waiting:
        lab_session.approval, lab_session.decision_comment = approval, words
        lab_session.decided_by_id, lab_session.decided_at = actor.account_id, now
        lab_session.show_change()
        record(db, actor=actor, action=action, subject=subject_of(lab_session), now=now, reason=words)
    db.flush()


def remind_due(db: Session, *, now: datetime, base_url: str, timezone: str = DEFAULT_TIMEZONE) -> int:
    """Tell approvers and teacher, once, that a class ought to be prepared and still waits."""
    due = select(LabSession).where(
        *WAITS, LabSession.approval_reminded.is_(False), LabSession.prepare_at <= now, LabSession.starts_at > now
    )
    late = list(db.scalars(due.with_for_update(of=LabSession, skip_locked=True)))
    for lab_session in late:
        lab_session.approval_reminded = True
        notices.remind(db, lab_session, now=now, base_url=base_url, timezone=timezone)
    return len(late)


def cancel_undecided(db: Session, *, now: datetime, base_url: str, timezone: str = DEFAULT_TIMEZONE) -> int:
    """A class on which nobody has decided when it is to begin does not take place."""
    over = select(LabSession).where(*WAITS, LabSession.starts_at <= now)
    undecided = list(db.scalars(over.with_for_update(of=LabSession, skip_locked=True)))
    for lab_session in undecided:
        lab_session.approval = ClassApproval.LAPSED
        lab_session.move_to(LabSessionState.CANCELLED)
        lab_session.ended_at = now
        lab_session.tell_trouble(UNDECIDED)
        record(db, actor=None, action="lab_session.cancelled", subject=subject_of(lab_session), now=now)
        notices.tell_lapsed(db, lab_session, now=now, base_url=base_url, timezone=timezone)
        invitation_notices.tell_cancelled(db, [lab_session], now=now, timezone=timezone)
    return len(undecided)
