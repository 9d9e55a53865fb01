"""Booking a whole timetable: first tried out line by line, then booked where it fits, by the same checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.class_limits import NO_LIMIT, ApprovalLimit
from portal.core.errors import N_, ClassDoesNotFit, Invalid, InvalidOrder, NotAllowed, PortalError
from portal.core.labs import LabSpec
from portal.core.policy import Actor, Permission
from portal.core.recurrence import SeriesRule
from portal.core.timetables import Row
from portal.models import LabSession
from portal.services import class_approvals, class_series
from portal.services.booking import Wish, book, teachable
from portal.services.calendar import OPEN


class Verdict(StrEnum):
    FITS = "fits"
    BOOKED = "booked"
    THERE = "there"  # the same lab at the same time is booked by the same teacher already
    DOES_NOT_FIT = "does_not_fit"
    NOT_UNDERSTOOD = "not_understood"


@dataclass(frozen=True)
class Line:
    """What comes of one row. `troubles` say why not; `alternatives` are the nearest times that fit.

    `waits`: it is so large that somebody has to approve it.
    """

    row: Row
    verdict: Verdict
    lab: LabSpec | None = None
    minutes: int = 0
    seats: int = 0
    troubles: tuple[PortalError, ...] = ()
    alternatives: tuple[datetime, ...] = ()
    made: LabSession | None = None
    waits: bool = False


@dataclass(frozen=True)
class Terms:
    """What holds for all rows: who books, for whom, and the seats of rows that do not say how many."""

    actor: Actor
    department_id: UUID | None
    seats: int
    now: datetime
    reserve_hosts: int
    timezone: str
    limit: ApprovalLimit = NO_LIMIT
    base_url: str = ""


def try_out(db: Session, rows: Sequence[Row], terms: Terms) -> list[Line]:
    """What `book_all` would do now. Everything is booked as it would be, row after row, and then all of it undone:
    so a row is told not to fit also when it is an earlier one of the same timetable that takes its room.
    """
    undone = db.begin_nested()
    try:
        return lines_of(db, rows, terms, done=Verdict.FITS)
    finally:
        undone.rollback()
        db.expire_all()


def book_all(db: Session, rows: Sequence[Row], terms: Terms) -> list[Line]:
    """Book each row that fits; the others change nothing. Those of one lab are a series."""
    lines = lines_of(db, rows, terms, done=Verdict.BOOKED)
    by_lab: dict[str, list[LabSession]] = {}
    for line in lines:
        if line.made is not None:
            by_lab.setdefault(line.made.lab_slug, []).append(line.made)
    for made in by_lab.values():
        made.sort(key=lambda one: one.starts_at)
        class_series.join(db, made, rule=SeriesRule.IMPORTED, now=terms.now)
        class_approvals.ask(
            db, made, by=terms.actor, limit=terms.limit, now=terms.now, base_url=terms.base_url,
            timezone=terms.timezone,
        )  # fmt: skip
    return lines


def lines_of(db: Session, rows: Sequence[Row], terms: Terms, *, done: Verdict) -> list[Line]:
    if not terms.actor.may(Permission.TEACH):
        raise NotAllowed(N_("You may not book classes."))
    labs = teachable(db, actor=terms.actor)
    return [line_of(db, row, labs, terms, done=done) for row in rows]


def line_of(db: Session, row: Row, labs: Sequence[LabSpec], terms: Terms, *, done: Verdict) -> Line:
    if row.trouble is not None or row.starts_at is None:
        return Line(row, Verdict.NOT_UNDERSTOOD, troubles=(row.trouble,) if row.trouble else ())
    lab = lab_called(row.lab, labs)
    if lab is None:
        unknown = Invalid(N_("There is no lab called “%(name)s” that you may teach."), name=row.lab[:80])
        return Line(row, Verdict.NOT_UNDERSTOOD, troubles=(unknown,))
    minutes = lab.minutes if row.minutes is None else row.minutes
    seats = terms.seats if row.seats is None else row.seats
    if is_there(db, terms.actor, lab, row.starts_at):
        return Line(row, Verdict.THERE, lab, minutes, seats)
    wish = Wish(lab.slug, (row.starts_at,), minutes, seats, row.room, terms.department_id)
    try:
        with db.begin_nested():
            (made,) = book(
                db,
                actor=terms.actor,
                wish=wish,
                now=terms.now,
                reserve_hosts=terms.reserve_hosts,
                timezone=terms.timezone,
            )
    except ClassDoesNotFit as error:
        return Line(row, Verdict.DOES_NOT_FIT, lab, minutes, seats, (error,), error.alternatives)
    except InvalidOrder as error:
        return Line(row, Verdict.DOES_NOT_FIT, lab, minutes, seats, error.errors)
    except PortalError as error:
        if error.field == "department_id":
            raise  # of all rows, not of this one
        return Line(row, Verdict.DOES_NOT_FIT, lab, minutes, seats, (error,))
    waits = terms.limit.is_passed_by(seats=made.seats, memory_mib=made.memory_mib)
    return Line(row, done, lab, minutes, seats, made=made if done == Verdict.BOOKED else None, waits=waits)


def lab_called(name: str, labs: Sequence[LabSpec]) -> LabSpec | None:
    """By its short name, or by its title in either language."""
    wanted = " ".join(name.split()).casefold()
    names = ((lab, {lab.slug.casefold(), lab.title.es.casefold(), lab.title.en.casefold()}) for lab in labs)
    return next((lab for lab, known in names if wanted and wanted in known), None)


def is_there(db: Session, actor: Actor, lab: LabSpec, starts_at: datetime) -> bool:
    same = (
        LabSession.teacher_id == actor.account_id,
        LabSession.lab_slug == lab.slug,
        LabSession.starts_at == starts_at,
    )
    return db.scalar(select(LabSession.id).where(*same, LabSession.state.in_(OPEN)).limit(1)) is not None
