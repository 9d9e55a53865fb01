"""Booking a class: only when it is proven that the cluster carries it, on all its dates."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.core import recurrence
from portal.core.calendar import (
    LEAD,
    TIDYING,
    Booking,
    Calendar,
    Ground,
    Shortage,
    seats_that_fit,
    shortage,
    spares_for,
)
from portal.core.class_limits import NO_LIMIT, ApprovalLimit
from portal.core.errors import N_, Invalid, InvalidOrder, NotAllowed, NotFound
from portal.core.labs import LabSpec
from portal.core.languages import GUIDE_LANGUAGES, check_languages
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.people import Person
from portal.core.policy import Actor, Permission
from portal.core.texts import check_text
from portal.models import Department, Host, LabSession, LabVersion
from portal.services import capacity, class_approvals, class_series, labs
from portal.services.audit import Subject, record
from portal.services.calendar import OPEN, bookings
from portal.services.lab_specs import spec_of
from portal.services.orders import gather
from portal.services.seat_sizes import SeatSize, lock_licences, size_of_seat

MOST_SEATS = 40
SHORTEST, LONGEST = 15, 8 * 60  # minutes
FURTHEST = timedelta(days=366)
CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nobody reads 0 for O or 1 for I
CODE_LENGTH = 8


@dataclass(frozen=True)
class Wish:
    """A class as it is wished. `starts_at`: one moment a date (core/recurrence makes them of local times), in order.

    `department_id` may be None for who teaches in one department.
    """

    lab: str
    starts_at: tuple[datetime, ...]
    minutes: int
    seats: int
    room: str = ""
    department_id: UUID | None = None
    people: tuple[Person, ...] = ()  # services/invitations gives them their links
    only_listed: bool = False
    languages: tuple[str, ...] = GUIDE_LANGUAGES


@dataclass(frozen=True)
class Plan:
    """A checked wish, with what its seats take."""

    wish: Wish
    department: Department
    version: LabVersion
    size: SeatSize

    def held(self, starts_at: datetime, now: datetime, *, id: UUID | None = None) -> Booking:
        """What the class holds if it begins then; what is past needs no room."""
        ends_at = starts_at + timedelta(minutes=self.wish.minutes)
        begins, seats = max(starts_at - LEAD, now), self.wish.seats + spares_for(self.wish.seats)
        return Booking(id or uuid4(), begins, ends_at + TIDYING, self.size.amount, seats, self.size.licences)


def book(
    db: Session,
    *,
    actor: Actor,
    wish: Wish,
    now: datetime,
    reserve_hosts: int = 1,
    timezone: str = DEFAULT_TIMEZONE,
    limit: ApprovalLimit = NO_LIMIT,
    base_url: str = "",
) -> list[LabSession]:
    """Book the class on all its dates, or on none: one row a date. Over the limit it waits for somebody's approval.

    Raises Invalid (InvalidOrder for several places at once), or ClassDoesNotFit with the nearest times at which all
    dates fit. Until the transaction ends nobody else can be given the room.
    """
    plan = check_wish(db, actor=actor, wish=wish, now=now)
    ground, calendar = look_for_room(db, plan, now=now, reserve_hosts=reserve_hosts)
    find_room(ground, calendar, plan, now=now, timezone=timezone)
    made = [new_session(db, actor, plan, starts_at, now) for starts_at in wish.starts_at]
    for lab_session in made:
        note(db, lab_session, actor=actor, action="lab_session.booked", now=now, seats=lab_session.seats)
    class_series.join(db, made, rule=recurrence.rule_of(wish.starts_at, timezone), now=now)
    class_approvals.ask(db, made, by=actor, limit=limit, now=now, base_url=base_url, timezone=timezone)
    return made


def check_wish(db: Session, *, actor: Actor, wish: Wish, now: datetime) -> Plan:
    department = department_for(db, actor, wish.department_id)
    errors = gather(
        lambda: check_numbers(wish),
        lambda: check_dates(wish, now),
        lambda: check_text(wish.room, field="room"),
        lambda: check_lab_chosen(wish),
        lambda: check_list(wish),
        lambda: check_languages(wish.languages),
    )
    if errors:
        raise errors[0] if len(errors) == 1 else InvalidOrder(errors)
    version = labs.teachable(db, slug=wish.lab, department=department)
    return Plan(wish, department, version, size_of_seat(db, spec_of(version)))


def check_lab_chosen(wish: Wish) -> None:
    if not wish.lab:
        raise Invalid(N_("Please choose a lab."), field="lab")


def check_list(wish: Wish) -> None:
    if len(wish.people) > wish.seats:
        raise Invalid(
            N_("There are %(people)s people on the list, and only %(seats)s seats."),
            field="people", people=len(wish.people), seats=wish.seats,
        )  # fmt: skip
    if wish.only_listed and not wish.people:
        raise Invalid(N_("Please write who may come, if only people on the list may."), field="people")


def check_numbers(wish: Wish) -> None:
    errors = []
    if not 1 <= wish.seats <= MOST_SEATS:
        errors.append(Invalid(N_("A class has between 1 and %(most)s seats."), field="seats", most=MOST_SEATS))
    if not SHORTEST <= wish.minutes <= LONGEST:
        errors.append(Invalid(N_("A class lasts between 15 minutes and 8 hours."), field="minutes"))
    if len(wish.room) > 120:
        errors.append(Invalid(N_("The room's name is too long."), field="room"))
    if errors:
        raise errors[0] if len(errors) == 1 else InvalidOrder(tuple(errors))


def check_dates(wish: Wish, now: datetime) -> None:
    if not wish.starts_at:
        raise Invalid(N_("Please say on which day."), field="day")
    if len(wish.starts_at) > recurrence.MOST_DATES:
        raise Invalid(N_("A class can be repeated %(most)s times at most."), field="times", most=recurrence.MOST_DATES)
    if wish.starts_at[0] <= now:
        raise Invalid(N_("This moment is already over."), field="at" if same_day(wish, now) else "day")
    if wish.starts_at[-1] > now + FURTHEST:
        raise Invalid(N_("This is more than a year away."), field="day" if len(wish.starts_at) == 1 else "times")
    if any(later - earlier < timedelta(minutes=wish.minutes) for earlier, later in pairwise(wish.starts_at)):
        raise Invalid(N_("Two of these dates overlap."), field="dates")


def same_day(wish: Wish, now: datetime) -> bool:
    return now - wish.starts_at[0] < timedelta(hours=24)


def department_for(db: Session, actor: Actor, department_id: UUID | None) -> Department:
    """The department in which the person teaches; who teaches in only one need not name it."""
    allowed = actor.departments_for(Permission.TEACH)
    if allowed is not None and not allowed:
        raise NotAllowed(N_("You may not book classes."))
    if department_id is None:
        if allowed is None or len(allowed) != 1:
            raise Invalid(N_("Please choose a department."), field="department_id")
        (department_id,) = allowed
    if allowed is not None and department_id not in allowed:
        raise NotAllowed(N_("You may not book classes for this department."))
    department = db.get(Department, department_id)
    if department is None or not department.active:
        raise NotFound(N_("There is no such department."))
    return department


def look_for_room(
    db: Session, plan: Plan, *, now: datetime, reserve_hosts: int, but: UUID | None = None
) -> tuple[Ground, Calendar]:
    """What there is and what is promised. From here on nobody else decides by it, until our transaction ends."""
    return room_for(db, plan.size, now=now, reserve_hosts=reserve_hosts, but=but)


def room_for(
    db: Session, size: SeatSize, *, now: datetime, reserve_hosts: int, but: UUID | None = None
) -> tuple[Ground, Calendar]:
    capacity.lock_hosts(db)
    # who placed machines by what was promised before must look again
    db.execute(update(Host).values(generation=Host.generation + 1).execution_options(synchronize_session=False))
    if size.limits:
        lock_licences(db, size)
    ground = capacity.ground(db, reserve_hosts=reserve_hosts, licences=size.limits)
    accepted = bookings(db, since=now, licences=bool(size.limits))
    return ground, Calendar(booking for booking in accepted if booking.id != but)


def find_room(ground: Ground, calendar: Calendar, plan: Plan, *, now: datetime, timezone: str) -> None:
    """Raise ClassDoesNotFit, with what would fit, unless all dates do."""
    lack = first_lack(ground, calendar, plan, plan.wish.starts_at, now)
    if lack is None:
        return
    error = lack.error(timezone)
    calendar = Calendar(calendar.bookings, in_order=True)
    error.alternatives = alternatives(ground, calendar, plan, now=now, timezone=timezone)
    error.seats_that_fit = min(
        seats_that_fit(ground, calendar, plan.held(start, now), most=plan.wish.seats - 1)
        for start in plan.wish.starts_at
    )
    raise error


def first_lack(
    ground: Ground, calendar: Calendar, plan: Plan, starts_at: Sequence[datetime], now: datetime
) -> Shortage | None:
    """The dates of a series stand beside each other too, if preparing and tidying them overlap."""
    held = [plan.held(start, now) for start in starts_at]
    close = any(earlier.ends_at > later.starts_at for earlier, later in pairwise(held))
    beside = Calendar([*calendar.bookings, *held]) if close else calendar
    for booking in held:
        wanted = replace(booking, seats=0) if close else booking
        lack = shortage(ground, beside, wanted)
        if lack is not None:
            return lack
    return None


def alternatives(
    ground: Ground, calendar: Calendar, plan: Plan, *, now: datetime, timezone: str
) -> tuple[datetime, ...]:
    """The nearest other beginnings of the first date at which the whole series fits."""
    wish = plan.wish
    if first_lack(ground, Calendar(), plan, wish.starts_at, now) is not None:
        return ()  # not even without any other class

    def fits(start: datetime) -> bool:
        try:
            moved = recurrence.moved(wish.starts_at, start, timezone)
        except Invalid:
            return False
        return moved[-1] <= now + FURTHEST and first_lack(ground, calendar, plan, moved, now) is None

    return recurrence.nearest(wish.starts_at[0], minutes=wish.minutes, now=now, timezone=timezone, fits=fits)


def new_session(db: Session, actor: Actor, plan: Plan, starts_at: datetime, now: datetime) -> LabSession:
    wish, seat = plan.wish, plan.size.amount
    lab_session = LabSession(
        lab_slug=wish.lab,
        lab_version_id=plan.version.id,
        teacher_id=actor.account_id,
        department_id=plan.department.id,
        made_at=now,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=wish.minutes),
        seats=wish.seats,
        spares=spares_for(wish.seats),
        seat_vcpus=seat.vcpus,
        seat_memory_mib=seat.memory_mib,
        seat_disk_gib=seat.disk_gib,
        join_code=new_code(db),
        room=wish.room.strip(),
        prepare_at=starts_at - LEAD,
        only_listed=wish.only_listed,
        languages=list(wish.languages),
    )
    db.add(lab_session)
    db.flush()
    return lab_session


def new_code(db: Session) -> str:
    """A code that no open class has. Guessing one of a trillion is not worth trying."""
    while True:
        code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
        taken = select(LabSession.id).where(LabSession.join_code == code, LabSession.state.in_(OPEN))
        if db.scalar(taken) is None:
            return code


def subject_of(lab_session: LabSession) -> Subject:
    name = f"{lab_session.lab_slug} {lab_session.starts_at:%Y-%m-%d %H:%M}"
    return Subject("lab_session", str(lab_session.id), name, lab_session.department_id)


def note(
    db: Session,
    lab_session: LabSession,
    *,
    actor: Actor,
    action: str,
    now: datetime,
    reason: str = "",
    **details: object,
) -> None:
    subject = subject_of(lab_session)
    record(db, actor=actor, action=action, subject=subject, now=now, reason=reason, details=details)


def teachable(db: Session, *, actor: Actor) -> list[LabSpec]:
    """The labs that the person may teach now, by their short names."""
    offers = labs.library(db, actor=actor)
    return [offer.spec for offer in offers if offer.spec is not None and offer.teachable]
