"""Classes after they are booked: found, looked at, moved and cancelled. A date of a series is a class of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, lazyload

from portal.core.errors import N_, Conflict, NotAllowed, NotFound
from portal.core.lifecycle import LAB_SESSION_MOVES, ClassApproval, LabSessionState
from portal.core.policy import Actor, Permission
from portal.core.quota import Amount
from portal.models import LabSession, LabVersion
from portal.services.booking import (
    MOST_SEATS,
    Plan,
    Wish,
    book,
    note,
    subject_of,
    teachable,
)
from portal.services.calendar import OPEN, bookings
from portal.services.lab_specs import spec_of
from portal.services.paging import PER_PAGE, Page, paginate
from portal.services.seat_sizes import size_of_seat

__all__ = [
    "MOST_SEATS",
    "Wish",
    "book",
    "bookings",
    "calendar",
    "cancel",
    "get",
    "may_teach",
    "mine",
    "subject_of",
    "teachable",
]

NOT_THERE = N_("There is no such class.")
MANY = 500  # of a page of the calendar


def get(db: Session, *, actor: Actor, lab_session_id: UUID) -> LabSession:
    """A class that the person teaches, or any for who manages labs. NotFound for all others."""
    lab_session = db.get(LabSession, lab_session_id)
    if lab_session is None or not may_teach(actor, lab_session):
        raise NotFound(NOT_THERE)
    return lab_session


def may_teach(actor: Actor, lab_session: LabSession) -> bool:
    if actor.may(Permission.MANAGE_LABS, lab_session.department_id):
        return True
    return actor.may(Permission.TEACH, lab_session.department_id) and lab_session.teacher_id == actor.account_id


def locked(db: Session, actor: Actor, lab_session_id: UUID) -> LabSession:
    """The class as it is now, and nobody else changes it until our transaction ends."""
    get(db, actor=actor, lab_session_id=lab_session_id)
    query = select(LabSession).where(LabSession.id == lab_session_id).with_for_update(of=LabSession)
    return db.execute(query.execution_options(populate_existing=True)).unique().scalar_one()


def cancel(db: Session, *, actor: Actor, lab_session_id: UUID, now: datetime, reason: str = "") -> LabSession:
    """The class does not take place, and its room is free. What was made for it already is taken away by its worker.

    Of a series only this date is cancelled. A class that goes on is ended instead.
    """
    lab_session = locked(db, actor, lab_session_id)
    if LabSessionState.CANCELLED not in LAB_SESSION_MOVES[lab_session.state]:
        raise Conflict(N_("This class goes on or is over: it cannot be cancelled any more."))
    if lab_session.waits_for_approval:
        lab_session.approval = ClassApproval.LAPSED
    lab_session.move_to(LabSessionState.CANCELLED)
    lab_session.ended_at = now
    note(db, lab_session, actor=actor, action="lab_session.cancelled", now=now, reason=reason)
    return lab_session


def plan_of(db: Session, lab_session: LabSession, starts_at: datetime) -> Plan:
    """The class as it was booked, at another time: its seats stay as large as they were."""
    minutes = int((lab_session.ends_at - lab_session.starts_at).total_seconds() // 60)
    seat = Amount(0, lab_session.seat_vcpus, lab_session.seat_memory_mib, lab_session.seat_disk_gib)
    size = replace(size_of_seat(db, spec_of(lab_session.lab_version)), amount=seat)
    wish = Wish(lab_session.lab_slug, (starts_at,), minutes, lab_session.seats, lab_session.room)
    return Plan(wish, lab_session.department, lab_session.lab_version, size)


def mine(
    db: Session,
    *,
    actor: Actor,
    now: datetime,
    past: bool = False,
    words: str = "",
    page: int = 1,
    per_page: int = PER_PAGE,
) -> Page[LabSession]:
    """The person's own classes: those to come, soonest first, or those that are over, newest first.

    `words` are looked for in the lab's short name, the room and the code.
    """
    if not actor.may(Permission.TEACH):
        raise NotAllowed(N_("You may not see classes."))
    to_come = (LabSession.state.in_(OPEN)) & (LabSession.ends_at > now)
    conditions = [LabSession.teacher_id == actor.account_id, ~to_come if past else to_come, *matching(words)]
    order = LabSession.starts_at
    return paginate(db, LabSession, scopes=[conditions], order=order, number=page, per_page=per_page, newest_first=past)


def matching(words: str) -> list[ColumnElement[bool]]:
    columns = (LabSession.lab_slug, LabSession.room, LabSession.join_code)
    return [
        or_(*(func.lower(column).contains(word, autoescape=True) for column in columns))
        for word in words.lower().split()
    ]


def calendar(db: Session, *, actor: Actor, since: datetime, until: datetime) -> list[LabSession]:
    """Classes of the departments in which the person teaches that touch [since, until), by time; no cancelled ones."""
    if not actor.may(Permission.TEACH):
        raise NotAllowed(N_("You may not see classes."))
    departments = actor.departments_for(Permission.TEACH)
    query = select(LabSession).where(LabSession.ends_at > since, LabSession.starts_at < until)
    if departments is not None:
        query = query.where(LabSession.department_id.in_(departments))
    query = query.where(LabSession.state != LabSessionState.CANCELLED).order_by(LabSession.starts_at, LabSession.id)
    # a lab's text is long: each version is read once and not once a class
    found = list(db.scalars(query.options(lazyload(LabSession.lab_version)).limit(MANY)).unique())
    list(db.scalars(select(LabVersion).where(LabVersion.id.in_({each.lab_version_id for each in found}))))
    return found
