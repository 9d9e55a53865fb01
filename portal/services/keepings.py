"""Asking to keep a seat after its class: by students; granted by who teaches, when the seat's room is proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.core.calendar import (
    DISK,
    LICENCES,
    MEMORY,
    TIDYING,
    VCPUS,
    WHOLE,
    Booking,
    Shortage,
    shortage,
)
from portal.core.errors import N_, Conflict, Invalid, NoCapacity, NotFound, Phrase, Phrases
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.lifecycle import KeepingState, LabSessionState
from portal.core.policy import Actor
from portal.models import Keeping, LabSession, Student
from portal.services import booking, lab_sessions, seats
from portal.services.audit import record
from portal.services.seats import subject_of

MOST_IN_WORDS = 300
NO_SUCH = N_("There is no such question.")
LACKS: Mapping[str, str] = {
    MEMORY: N_("%(missing)s GB of memory are missing on %(day)s."),
    VCPUS: N_("%(missing)s processors are missing on %(day)s."),
    DISK: N_("%(missing)s GB of storage are missing on %(day)s."),
    LICENCES: N_("%(missing)s licences for “%(template)s” are missing on %(day)s."),
    WHOLE: N_("On %(day)s no single host has room for it."),
}


@dataclass(frozen=True)
class Terms:
    """How long seats may be kept here, and what is proven with."""

    most_days: int
    reserve_hosts: int = 1
    timezone: str = DEFAULT_TIMEZONE


def terms_of(settings: Settings) -> Terms:
    """Those of this house."""
    return Terms(settings.keep_days_most, settings.reserve_hosts, settings.timezone)


def of_student(db: Session, student_id: UUID) -> Keeping | None:
    return db.scalar(select(Keeping).where(Keeping.student_id == student_id))


def of_class(db: Session, lab_session_id: UUID) -> list[Keeping]:
    """All questions of a class, in the order in which they were asked."""
    query = select(Keeping).where(Keeping.lab_session_id == lab_session_id)
    return list(db.scalars(query.order_by(Keeping.asked_at, Keeping.id)))


def ask(db: Session, *, student: Student, words: str, now: datetime) -> Keeping:
    """A student wants to go on with the own machines after the class. Asked twice it is one question with new words."""
    words = " ".join(words.split())
    if len(words) > MOST_IN_WORDS or (words and not words.isprintable()):
        raise Invalid(N_("Please write at most %(most)s letters."), field="words", most=MOST_IN_WORDS)
    lab_session = seats.held_session(db, student.lab_session_id)
    if lab_session.state != LabSessionState.RUNNING:
        raise Conflict(N_("Machines can be kept only while the class goes on."))
    if seats.seat_of(db, student.id) is None:
        raise Conflict(N_("You have no seat yet."))
    keeping = of_student(db, student.id)
    if keeping is None:
        keeping = Keeping(lab_session_id=lab_session.id, student_id=student.id, asked_at=now)
        db.add(keeping)
    elif keeping.state in (KeepingState.DECLINED, KeepingState.OVER):
        keeping.move_to(KeepingState.ASKED)
        keeping.asked_at, keeping.until_at = now, None
    keeping.words = words
    db.flush()
    db.refresh(keeping)
    note(db, keeping, "keeping.asked", by=None, now=now)
    lab_session.show_change()
    return keeping


def withdraw(db: Session, *, student: Student, now: datetime) -> None:
    """The student needs it no more. What is kept already is given back (services/kept_seats.py)."""
    lab_session = seats.held_session(db, student.lab_session_id)
    keeping = of_student(db, student.id)
    if keeping is not None and keeping.state in (KeepingState.ASKED, KeepingState.GRANTED, KeepingState.DECLINED):
        keeping.move_to(KeepingState.OVER)
        keeping.until_at = None
        note(db, keeping, "keeping.withdrawn", by=None, now=now)
        lab_session.show_change()


def grant(db: Session, *, actor: Actor, keeping_id: UUID, days: int, terms: Terms, now: datetime) -> Keeping:
    """Keep the student's seat for so many days from the class's end, if its room is proven for all of them.

    Granted again, the days are changed. Raises NoCapacity, which says how many days fit.
    """
    keeping, lab_session = held(db, actor, keeping_id)
    if lab_session.state != LabSessionState.RUNNING:
        raise Conflict(N_("This class is not on."))
    check_days(days, terms)
    prove(db, keeping, lab_session, days, terms, now)
    if keeping.state != KeepingState.GRANTED:
        keeping.move_to(KeepingState.GRANTED)
    keeping.until_at, keeping.decided_at = lab_session.ends_at + timedelta(days=days), now
    note(db, keeping, "keeping.granted", by=actor, now=now, days=days)
    lab_session.show_change()
    return keeping


def decline(db: Session, *, actor: Actor, keeping_id: UUID, now: datetime) -> Keeping:
    """The student reads it. It can still be granted until the class ends."""
    keeping, lab_session = held(db, actor, keeping_id)
    if keeping.state != KeepingState.DECLINED:
        keeping.move_to(KeepingState.DECLINED)
        keeping.until_at, keeping.decided_at = None, now
        note(db, keeping, "keeping.declined", by=actor, now=now)
        lab_session.show_change()
    return keeping


def prolong(db: Session, *, actor: Actor, keeping_id: UUID, days: int, terms: Terms, now: datetime) -> Keeping:
    """A kept seat stays until so many days after its class, all in all; never more than the house allows."""
    keeping, lab_session = held(db, actor, keeping_id)
    if keeping.state != KeepingState.KEPT or keeping.until_at is None:
        raise Conflict(N_("This seat is not kept any more."))
    check_days(days, terms)
    until_at = lab_session.ends_at + timedelta(days=days)
    if until_at <= keeping.until_at:
        raise Invalid(N_("It is kept as long as that already. To end it earlier, end it."), field="days")
    prove(db, keeping, lab_session, days, terms, now)
    keeping.until_at, keeping.told_at = until_at, None
    note(db, keeping, "keeping.prolonged", by=actor, now=now, days=days)
    lab_session.show_change()
    return keeping


def check_days(days: int, terms: Terms) -> None:
    if not 1 <= days <= terms.most_days:
        raise Invalid(N_("Choose 1 to %(most)s days."), field="days", most=terms.most_days)


def prove(db: Session, keeping: Keeping, lab_session: LabSession, days: int, terms: Terms, now: datetime) -> None:
    """Show that the seat fits beside all others until then, as booking.book does for classes."""
    plan = lab_sessions.plan_of(db, lab_session, lab_session.starts_at)
    ground, others = booking.look_for_room(db, plan, now=now, reserve_hosts=terms.reserve_hosts, but=keeping.id)
    since = max(lab_session.ends_at + TIDYING, now)

    def lack(days: int) -> Shortage | None:
        until_at = lab_session.ends_at + timedelta(days=days)
        wanted = Booking(keeping.id, since, until_at + TIDYING, plan.size.amount, 1, plan.size.licences)
        return shortage(ground, others, wanted)

    missing = lack(days)
    if missing is None:
        return
    fitting = next((fewer for fewer in range(days - 1, 0, -1) if lack(fewer) is None), 0)
    raise NoCapacity(
        N_("This seat cannot be kept for so long. %(reason)s %(longest)s"),
        field="days",
        reason=Phrases((lacking(missing, terms.timezone),)),
        longest=Phrases((longest(fitting),)),
    )


def lacking(missing: Shortage, timezone: str) -> Phrase:
    params = missing.error(timezone).params
    return Phrase(LACKS[missing.measure], params)


def longest(days: int) -> Phrase:
    if not days:
        return Phrase(N_("Not even one day fits."))
    return Phrase(N_("Days that fit: %(fitting)s."), {"fitting": days})


def held(db: Session, actor: Actor, keeping_id: UUID) -> tuple[Keeping, LabSession]:
    """The question and its class, which nobody else changes now. For who teaches the class; to others there is none."""
    keeping = db.get(Keeping, keeping_id)
    if keeping is None:
        raise NotFound(NO_SUCH)
    try:
        lab_session = lab_sessions.locked(db, actor, keeping.lab_session_id)
    except NotFound:
        raise NotFound(NO_SUCH) from None
    db.refresh(keeping)
    return keeping, lab_session


def note(db: Session, keeping: Keeping, action: str, *, by: Actor | None, now: datetime, **more: object) -> None:
    lab_session = db.get_one(LabSession, keeping.lab_session_id)
    details = {"student": db.get_one(Student, keeping.student_id).name, **more}
    record(db, actor=by, action=action, subject=subject_of(lab_session), now=now, details=details)
