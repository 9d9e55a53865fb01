"""What an approver sees of a class that waits: who, what, when, and what is left for everybody else then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.calendar import Booking, Calendar, Ground, peak
from portal.core.errors import N_, NotFound
from portal.core.policy import Actor, Permission
from portal.core.quota import Amount
from portal.models import LabSession
from portal.services import capacity
from portal.services.calendar import bookings
from portal.services.class_approvals import WAITS, is_own, same_series

MOST = 500  # dates that are looked at; the soonest


@dataclass(frozen=True)
class ClassCard:
    """All dates of one series that wait, by time. `room` is what machines leave of the cluster with the reserve,
    `left` what all classes leave of it at the tightest of these dates, this class taken off already.
    """

    dates: tuple[LabSession, ...]
    takes: Amount
    room: Amount
    left: Amount
    own: bool

    @property
    def first(self) -> LabSession:
        return self.dates[0]

    @property
    def seen(self) -> datetime | None:
        """When the newest of these questions was asked."""
        return max((one.approval_asked_at for one in self.dates if one.approval_asked_at), default=None)

    @property
    def fits(self) -> bool:
        return min(self.left.vcpus, self.left.memory_mib, self.left.disk_gib) >= 0


def waiting(db: Session, *, actor: Actor, now: datetime, reserve_hosts: int = 1) -> list[ClassCard]:
    """Classes of the departments for which the person decides, the soonest first; own ones are shown too."""
    return cards_of(db, waiting_dates(db, actor, now), actor, now=now, reserve_hosts=reserve_hosts)


def to_decide(db: Session, *, actor: Actor, now: datetime) -> list[LabSession]:
    """The first date of each class of others that waits for this person."""
    firsts: dict[UUID, LabSession] = {}
    for row in waiting_dates(db, actor, now):
        if not is_own(actor, row):
            firsts.setdefault(row.series_id or row.id, row)
    return list(firsts.values())


def waiting_dates(db: Session, actor: Actor, now: datetime) -> list[LabSession]:
    departments = actor.departments_for(Permission.APPROVE)
    query = select(LabSession).where(*WAITS, LabSession.starts_at > now)
    if departments is not None:
        query = query.where(LabSession.department_id.in_(departments))
    return list(db.scalars(query.order_by(LabSession.starts_at, LabSession.id).limit(MOST)).unique())


def card(db: Session, *, actor: Actor, lab_session: LabSession, now: datetime, reserve_hosts: int = 1) -> ClassCard:
    """Of the series of this class. NotFound when none of its dates waits any more."""
    if not actor.may(Permission.APPROVE, lab_session.department_id):
        raise NotFound(N_("There is no such class."))
    query = select(LabSession).where(same_series(lab_session), *WAITS, LabSession.starts_at > now)
    rows = list(db.scalars(query.order_by(LabSession.starts_at, LabSession.id)).unique())
    if not rows:
        raise NotFound(N_("Nobody decides on this class any more."))
    return cards_of(db, rows, actor, now=now, reserve_hosts=reserve_hosts)[0]


def cards_of(
    db: Session, rows: Sequence[LabSession], actor: Actor, *, now: datetime, reserve_hosts: int
) -> list[ClassCard]:
    if not rows:
        return []
    by_series: dict[UUID, list[LabSession]] = {}
    for row in rows:
        by_series.setdefault(row.series_id or row.id, []).append(row)
    ground = capacity.ground(db, reserve_hosts=reserve_hosts)
    calendar = Calendar(bookings(db, since=now), in_order=True)
    return [card_of(dates, ground, calendar, actor) for dates in by_series.values()]


def card_of(dates: Sequence[LabSession], ground: Ground, calendar: Calendar, actor: Actor) -> ClassCard:
    room = replace(ground.room_left, disk_gib=ground.disk_free_gib)
    own_ids = {one.id for one in dates}
    taken = [most_during(calendar, booking) for booking in calendar.bookings if booking.id in own_ids]
    left = min((room - one for one in taken), key=lambda amount: amount.memory_mib, default=room)
    seat = Amount(0, dates[0].seat_vcpus, dates[0].seat_memory_mib, dates[0].seat_disk_gib)
    seats = max(one.seats + one.spares for one in dates)
    return ClassCard(tuple(dates), seat * seats, room, left, any(is_own(actor, one) for one in dates))


def most_during(calendar: Calendar, booking: Booking) -> Amount:
    """What all classes together take at most while this one holds its seats."""
    return peak(calendar.during(booking.starts_at, booking.ends_at), booking.starts_at)
