"""Which dates of a series a change or a cancellation is about."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.lifecycle import LabSessionState
from portal.core.policy import Actor
from portal.core.series import Scope
from portal.models import LabSession
from portal.services import invitation_notices, lab_sessions
from portal.services.calendar import OPEN

TOO_LATE = N_("This class is being prepared already, or it is over: it cannot be changed any more.")


def locked_dates(db: Session, *, actor: Actor, lab_session_id: UUID, scope: Scope, now: datetime) -> list[LabSession]:
    """The chosen date and those of its series that the scope takes along, by time and locked. Raises Conflict."""
    chosen = lab_sessions.get(db, actor=actor, lab_session_id=lab_session_id)
    query = select(LabSession).where(LabSession.id == chosen.id)
    if scope != Scope.THIS and chosen.series_id is not None:
        query = select(LabSession).where(
            LabSession.series_id == chosen.series_id,
            LabSession.state == LabSessionState.BOOKED,
            LabSession.starts_at > now,
        )
    if scope == Scope.FOLLOWING:
        query = query.where(LabSession.starts_at >= chosen.starts_at)
    query = query.order_by(LabSession.starts_at, LabSession.id).with_for_update(of=LabSession)
    dates = list(db.scalars(query.execution_options(populate_existing=True)).unique())
    dates = [one for one in dates if lab_sessions.may_teach(actor, one)]
    if chosen not in dates or chosen.state != LabSessionState.BOOKED:
        raise Conflict(TOO_LATE)
    return dates


def series_of(db: Session, lab_session: LabSession) -> list[LabSession]:
    """All dates of its series that take place, or did not end yet."""
    if lab_session.series_id is None:
        return [lab_session]
    query = select(LabSession).where(LabSession.series_id == lab_session.series_id, LabSession.state.in_(OPEN))
    return list(db.scalars(query).unique())


def to_come(db: Session, lab_session: LabSession, now: datetime) -> list[LabSession]:
    """Of its series: itself, and all dates that are booked and have not begun, by time."""
    found = [
        one
        for one in series_of(db, lab_session)
        if one.id == lab_session.id or (one.state == LabSessionState.BOOKED and one.starts_at > now)
    ]
    return sorted(found, key=lambda one: one.starts_at)


def cancellable(db: Session, *, actor: Actor, lab_session_id: UUID, scope: Scope, now: datetime) -> list[LabSession]:
    """What `cancel` would cancel, by time."""
    chosen = lab_sessions.get(db, actor=actor, lab_session_id=lab_session_id)
    if scope == Scope.THIS:
        return [chosen]
    return [one for one in to_come(db, chosen, now) if scope == Scope.ALL or one.starts_at >= chosen.starts_at]


def cancel(
    db: Session,
    *,
    actor: Actor,
    lab_session_id: UUID,
    scope: Scope,
    now: datetime,
    reason: str = "",
    timezone: str = DEFAULT_TIMEZONE,
) -> list[LabSession]:
    """These dates do not take place, and who is on their lists is written to.

    The chosen one may be under preparation already; of the others none is.
    """
    dates = cancellable(db, actor=actor, lab_session_id=lab_session_id, scope=scope, now=now)
    done = [lab_sessions.cancel(db, actor=actor, lab_session_id=one.id, now=now, reason=reason) for one in dates]
    invitation_notices.tell_cancelled(db, done, now=now, timezone=timezone)
    return done
