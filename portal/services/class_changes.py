"""Changing classes: one date, this and the following ones, or all that are still to come, on all of them or on none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.calendar import LEAD, Booking, Calendar, Ground, spares_for
from portal.core.class_limits import NO_LIMIT, ApprovalLimit
from portal.core.errors import N_, Conflict, DatesDoNotFit, Invalid, Misfit, PortalError
from portal.core.languages import check_languages
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.lifecycle import LabSessionState
from portal.core.policy import Actor
from portal.core.series import Replacement, Scope, clock_shift, lacking, shifted
from portal.core.texts import check_text
from portal.models import LabSession
from portal.services import class_approvals, lab_sessions, students
from portal.services.booking import FURTHEST, Plan, check_dates, check_numbers, find_room, look_for_room, note
from portal.services.calendar import OPEN
from portal.services.lab_sessions import plan_of

TOO_LATE = N_("This class is being prepared already, or it is over: it cannot be changed any more.")
OVERLAPS = N_("It would overlap with another date of the series.")


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


def change(
    db: Session,
    *,
    actor: Actor,
    lab_session_id: UUID,
    wanted: Change,
    terms: Terms,
    scope: Scope = Scope.THIS,
    skip: Collection[UUID] = (),
) -> list[LabSession]:
    """Change these dates but for those to `skip`, or none of them.

    Raises Invalid beside its field; of one date alone ClassDoesNotFit with other times; of several DatesDoNotFit, with
    what each of those lacks that cannot be changed. Personal links and codes stay good.
    """
    check_change(wanted)
    dates = locked_dates(db, actor=actor, lab_session_id=lab_session_id, scope=scope, now=terms.now)
    wish = Shifted(wanted, lab_session_id, shift_of(dates, lab_session_id, wanted, terms))
    chosen = [one for one in dates if one.id not in skip]
    if not chosen:
        raise Invalid(N_("All dates are to stay as they are: nothing is changed."), field="scope")
    others = [one for one in series_of(db, chosen[0]) if one not in chosen]
    if len(dates) == 1:
        targets = [one_target(db, chosen[0], wish, terms)]
        prove_one(db, targets[0], terms)
    else:
        targets = targets_of(db, chosen, wish, terms, others)
        prove_all(db, targets, terms)
    larger = [target.lab_session for target in targets if target.needs_room]
    for target in targets:
        apply(db, target, wanted, actor=actor, now=terms.now)
    changed = [target.lab_session for target in targets]
    class_approvals.drop_small(changed, terms.limit)
    class_approvals.ask(
        db, larger, by=actor, limit=terms.limit, now=terms.now, base_url=terms.base_url, timezone=terms.timezone
    )
    return changed


def check_change(wanted: Change) -> None:
    if wanted.room is not None:
        check_text(wanted.room, field="room")
    if wanted.languages is not None:
        check_languages(wanted.languages)


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


def prove_one(db: Session, target: Target, terms: Terms) -> None:
    if target.needs_room:
        ground, others = look_for_room(db, target.plan, now=terms.now, reserve_hosts=terms.reserve_hosts, but=target.id)
        find_room(ground, others, target.plan, now=terms.now, timezone=terms.timezone)


def targets_of(
    db: Session,
    chosen: Sequence[LabSession],
    wished: Shifted,
    terms: Terms,
    others: Sequence[LabSession],
) -> list[Target]:
    """Raises DatesDoNotFit for those that cannot be as wished, whatever room there is."""
    targets, misfits = [], []
    for one in chosen:
        try:
            target = one_target(db, one, wished, terms)
            if target.moves and any(target.overlaps(other) for other in others):
                raise Invalid(OVERLAPS, field="at")
        except PortalError as error:
            misfits.append(Misfit(one.id, one.starts_at, error))
        else:
            targets.append(target)
    if len(misfits) == len(chosen) and all(misfit.error.field == "seats" for misfit in misfits):
        raise misfits[0].error  # a number that is none for any date
    if misfits:
        raise DatesDoNotFit((*misfits, *misfits_among(db, targets, terms)), of=len(chosen))
    return targets


def prove_all(db: Session, targets: Sequence[Target], terms: Terms) -> None:
    misfits = misfits_among(db, targets, terms)
    if misfits:
        raise DatesDoNotFit(misfits, of=len(targets))


def misfits_among(db: Session, targets: Sequence[Target], terms: Terms) -> tuple[Misfit, ...]:
    """Those for which there is no room, although all the others are changed."""
    searching = [target for target in targets if target.needs_room]
    if not searching:
        return ()
    ground, calendar = room_for(db, searching, terms)
    was = {booking.id: booking for booking in calendar.bookings}
    ids = {target.id for target in searching}
    others = [booking for booking in calendar.bookings if booking.id not in ids]
    replacements = [Replacement(was[target.id], target.held(terms.now)) for target in searching]
    lacks = lacking(ground, others, replacements)
    return tuple(
        Misfit(target.id, target.lab_session.starts_at, lacks[target.id].error(terms.timezone))
        for target in searching
        if target.id in lacks
    )


def room_for(db: Session, targets: Sequence[Target], terms: Terms) -> tuple[Ground, Calendar]:
    """With the licences of all of them, whose labs may be of several versions."""
    limits: Mapping[str, int] = {}
    for target in targets:
        limits = {**limits, **target.plan.size.limits}
    plan = targets[0].plan
    plan = replace(plan, size=replace(plan.size, limits=limits))
    return look_for_room(db, plan, now=terms.now, reserve_hosts=terms.reserve_hosts)


def apply(db: Session, target: Target, wanted: Change, *, actor: Actor, now: datetime) -> None:
    """The row is locked, and its new room is proven."""
    one, wish, moves = target.lab_session, target.plan.wish, target.moves
    details: dict[str, object] = {}
    if moves:
        details |= {"from": minute_of(one.starts_at), "to": minute_of(target.starts_at)}
    if wish.seats != one.seats:
        details["seats"] = wish.seats
    if wish.room != one.room:
        details["room"] = wish.room
    if wanted.languages is not None and list(wanted.languages) != one.languages:
        details["languages"] = ",".join(wanted.languages)
        one.languages = list(wanted.languages)
    if not details:
        return
    if moves:
        one.told_missing = False  # what its teacher was told was about the other hour
        one.starts_at, one.ends_at, one.prepare_at = target.starts_at, target.ends_at, target.starts_at - LEAD
    if wish.seats != one.seats:
        one.seats, one.spares = wish.seats, spares_for(wish.seats)
    one.room = wish.room
    one.tell_trouble("")
    action = "lab_session.moved" if moves else "lab_session.changed"
    note(db, one, actor=actor, action=action, now=now, **details)


def minute_of(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")


def cancel(
    db: Session, *, actor: Actor, lab_session_id: UUID, scope: Scope, now: datetime, reason: str = ""
) -> list[LabSession]:
    """These dates do not take place. The chosen one may be under preparation already; of the others none is."""
    dates = cancellable(db, actor=actor, lab_session_id=lab_session_id, scope=scope, now=now)
    return [lab_sessions.cancel(db, actor=actor, lab_session_id=one.id, now=now, reason=reason) for one in dates]


def cancellable(db: Session, *, actor: Actor, lab_session_id: UUID, scope: Scope, now: datetime) -> list[LabSession]:
    """What `cancel` would cancel, by time."""
    chosen = lab_sessions.get(db, actor=actor, lab_session_id=lab_session_id)
    if scope == Scope.THIS:
        return [chosen]
    return [one for one in to_come(db, chosen, now) if scope == Scope.ALL or one.starts_at >= chosen.starts_at]


def to_come(db: Session, lab_session: LabSession, now: datetime) -> list[LabSession]:
    """Of its series: itself, and all dates that are booked and have not begun, by time."""
    found = [
        one
        for one in series_of(db, lab_session)
        if one.id == lab_session.id or (one.state == LabSessionState.BOOKED and one.starts_at > now)
    ]
    return sorted(found, key=lambda one: one.starts_at)
