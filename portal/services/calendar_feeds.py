"""Classes for the calendar programs of teachers: each feed stands behind a secret link, which can be ended at will."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, NotAllowed, NotFound
from portal.core.lifecycle import LabSessionState
from portal.core.policy import Actor, Permission
from portal.core.texts import has_control_characters
from portal.models import CalendarFeed, LabSession
from portal.services import accounts
from portal.services.audit import Subject, record
from portal.services.login_sessions import hash_of

LONGEST_KEY = 100
LONGEST_ROOM = 120
KEPT_FOR = timedelta(days=30)  # so long classes that are over or cancelled stay in the feed
MOST_CLASSES = 500
MOST_ROOMS = 20
NO_SUCH_FEED = N_("There is no such calendar.")


@dataclass(frozen=True)
class Feed:
    """`classes` are by time. `title` is empty for a teacher's own."""

    locale: str
    room: str
    classes: tuple[LabSession, ...]


def own(db: Session, actor: Actor) -> list[CalendarFeed]:
    """The person's own calendar first, then rooms by name."""
    return list(
        db.scalars(select(CalendarFeed).where(CalendarFeed.account_id == actor.account_id).order_by(CalendarFeed.room))
    )


def renew(db: Session, *, actor: Actor, room: str, now: datetime) -> str:
    """A new secret key for the person's own classes, or for those of a room; it exists nowhere else.

    A link that there was before leads nowhere from now on.
    """
    if not actor.may(Permission.TEACH):
        raise NotAllowed(N_("You may not see classes."))
    room = normal_room(room)
    row = db.scalar(select(CalendarFeed).where(CalendarFeed.account_id == actor.account_id, CalendarFeed.room == room))
    key = secrets.token_urlsafe(32)
    if row is None:
        if len(own(db, actor)) > MOST_ROOMS:
            raise Conflict(N_("There are too many calendars already. End one first."))
        row = CalendarFeed(account_id=actor.account_id, room=room, key_hash=hash_of(key), made_at=now)
        db.add(row)
    row.key_hash, row.made_at = hash_of(key), now
    db.flush()
    record(db, actor=actor, action="calendar_feed.made", subject=subject_of(row), now=now)
    return key


def normal_room(room: str) -> str:
    room = " ".join(room.split())
    if len(room) > LONGEST_ROOM or has_control_characters(room, lines=False):
        raise Invalid(N_("The room's name is too long."), field="room")
    return room


def revoke(db: Session, *, actor: Actor, feed_id: UUID, now: datetime) -> None:
    row = db.get(CalendarFeed, feed_id)
    if row is None or row.account_id != actor.account_id:
        raise NotFound(NO_SUCH_FEED)
    record(db, actor=actor, action="calendar_feed.ended", subject=subject_of(row), now=now)
    db.delete(row)


def subject_of(row: CalendarFeed) -> Subject:
    return Subject("calendar_feed", str(row.id), row.room)


def read(db: Session, *, key: str, now: datetime) -> Feed | None:
    """What the link leads to; None for an unknown or ended one, and when its owner may not teach any more."""
    if not key or len(key) > LONGEST_KEY:
        return None
    row = db.scalar(select(CalendarFeed).where(CalendarFeed.key_hash == hash_of(key)))
    if row is None or not row.account.active:
        return None
    owner = accounts.actor_of(row.account)
    if not owner.may(Permission.TEACH):
        return None
    scope = in_room(owner, row.room) if row.room else LabSession.teacher_id == owner.account_id
    query = select(LabSession).where(scope, present(now)).order_by(LabSession.starts_at, LabSession.id)
    return Feed(row.account.locale, row.room, tuple(db.scalars(query.limit(MOST_CLASSES)).unique()))


def present(now: datetime) -> ColumnElement[bool]:
    cancelled = LabSession.state == LabSessionState.CANCELLED
    return or_(
        and_(~cancelled, LabSession.ends_at > now - KEPT_FOR), and_(cancelled, LabSession.ended_at > now - KEPT_FOR)
    )


def in_room(owner: Actor, room: str) -> ColumnElement[bool]:
    """Classes there of the departments in which the owner teaches, whoever gives them."""
    there = func.lower(LabSession.room) == room.lower()
    departments = owner.departments_for(Permission.TEACH)
    return there if departments is None else and_(there, LabSession.department_id.in_(departments))


def rooms(db: Session, actor: Actor) -> list[str]:
    """Rooms in which classes of the person's departments were or will be, by name."""
    departments = actor.departments_for(Permission.TEACH)
    query = select(LabSession.room).where(LabSession.room != "").distinct().order_by(LabSession.room)
    if departments is not None:
        query = query.where(LabSession.department_id.in_(departments))
    return list(db.scalars(query.limit(200)))
