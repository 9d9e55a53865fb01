"""What is to change of classes, and each date as it is to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.calendar import Booking
from portal.core.class_limits import NO_LIMIT, ApprovalLimit
from portal.core.errors import N_, Invalid
from portal.core.languages import check_languages
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.series import clock_shift, shifted
from portal.core.texts import check_text
from portal.models import LabSession
from portal.services import students
from portal.services.booking import FURTHEST, Plan, check_dates, check_numbers
from portal.services.lab_sessions import plan_of


@dataclass(frozen=True)
class Change:
    """What is to be different; None leaves it as it is.

    `starts_at` is of the date that was chosen: the others move by as many days and by as much on the clock.
    """

    starts_at: datetime | None = None
    seats: int | None = None
    room: str | None = None
    languages: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Shifted:
    """A change with the date that was chosen for it, and how far that moves."""

    change: Change
    chosen_id: UUID
    shift: timedelta

    def start_of(self, one: LabSession, timezone: str) -> datetime:
        if one.id == self.chosen_id and self.change.starts_at is not None:
            return self.change.starts_at
        return shifted(one.starts_at, self.shift, timezone) if self.shift else one.starts_at


@dataclass(frozen=True)
class Terms:
    """What holds for all dates that are changed."""

    now: datetime
    timezone: str = DEFAULT_TIMEZONE
    reserve_hosts: int = 1
    limit: ApprovalLimit = NO_LIMIT
    base_url: str = ""


@dataclass(frozen=True)
class Target:
    """One date as it is to be."""

    lab_session: LabSession
    plan: Plan

    @property
    def id(self) -> UUID:
        return self.lab_session.id

    @property
    def starts_at(self) -> datetime:
        return self.plan.wish.starts_at[0]

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.plan.wish.minutes)

    @property
    def moves(self) -> bool:
        return self.starts_at != self.lab_session.starts_at

    @property
    def needs_room(self) -> bool:
        return self.moves or self.plan.wish.seats > self.lab_session.seats

    def held(self, now: datetime) -> Booking:
        return self.plan.held(self.starts_at, now, id=self.id)

    def overlaps(self, other: LabSession) -> bool:
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def check_change(wanted: Change) -> None:
    if wanted.room is not None:
        check_text(wanted.room, field="room")
    if wanted.languages is not None:
        check_languages(wanted.languages)


def shift_of(dates: Sequence[LabSession], lab_session_id: UUID, wanted: Change, terms: Terms) -> timedelta:
    chosen = next(one for one in dates if one.id == lab_session_id)
    to = wanted.starts_at or chosen.starts_at
    if abs(to - terms.now) > FURTHEST:
        raise Invalid(N_("This is more than a year away."), field="day")
    return clock_shift(chosen.starts_at, to, terms.timezone)


def one_target(db: Session, one: LabSession, wished: Shifted, terms: Terms) -> Target:
    """This date as it is to be. Raises Invalid."""
    wanted = wished.change
    plan = plan_of(db, one, wished.start_of(one, terms.timezone))
    wish = replace(plan.wish, room=one.room if wanted.room is None else wanted.room.strip())
    wish = replace(wish, seats=one.seats if wanted.seats is None else wanted.seats)
    target = Target(one, replace(plan, wish=wish))
    check_numbers(wish)
    if target.moves:
        check_dates(wish, terms.now)
    if wish.seats < one.seats:
        check_people(db, one, wish.seats)
    return target


def check_people(db: Session, lab_session: LabSession, seats: int) -> None:
    people = len(students.names_in(db, lab_session))
    if people > seats:
        raise Invalid(
            N_("There are %(people)s people on the list, and only %(seats)s seats."),
            field="seats", people=people, seats=seats,
        )  # fmt: skip
