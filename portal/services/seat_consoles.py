"""Consoles of seats: a student's own machines, and any machine of a class for its teacher."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotAllowed, NotFound
from portal.core.lifecycle import KeepingState, SeatState
from portal.core.policy import Actor
from portal.interfaces import ConsoleKind
from portal.models import Account, AuditEntry, ConsoleTicket, LabSession, Seat, SeatMachine, Student
from portal.services import accounts, consoles, kept_seats, lab_sessions, seats, students
from portal.services.audit import Subject, record
from portal.services.consoles import Entry, Refusal, Sitting

WITH_MACHINES = frozenset({SeatState.READY, SeatState.TAKEN, SeatState.KEPT})
BEING_MADE = N_("The machines of this seat are being prepared. Please wait a moment.")


@dataclass(frozen=True)
class Place:
    """A machine of a seat, with the class around it."""

    machine: SeatMachine
    seat: Seat
    lab_session: LabSession

    @property
    def subject(self) -> Subject:
        name = f"{self.lab_session.lab_slug} {self.seat.number}"
        return Subject("seat", str(self.seat.id), name, self.lab_session.department_id)


def issue_for_student(
    db: Session, *, student: Student, key_hash: str, machine: str, kind: ConsoleKind, now: datetime
) -> str:
    """A ticket for one console of the student's own seat; `machine` is its name in the lab."""
    places = [
        place for place in places_where(db, Seat.student_id == student.id).values() if place.machine.name == machine
    ]
    if not places:
        raise NotFound(N_("There is no such machine at your seat."))
    view_only = refuse_student(places[0], student)
    sitting = Sitting(key_hash, None, None, student.id, places[0].machine.id, view_only)
    return consoles.write_ticket(db, sitting, kind=kind, now=now)


def issue_for_teacher(
    db: Session,
    *,
    actor: Actor,
    login_session_hash: str,
    seat_id: UUID,
    machine: str,
    kind: ConsoleKind,
    view_only: bool,
    now: datetime,
) -> str:
    """A ticket for one console of a seat of the actor's own class (or of any, for who manages labs)."""
    places = [place for place in places_where(db, Seat.id == seat_id).values() if place.machine.name == machine]
    if not places:
        raise NotFound(N_("There is no such console."))
    refuse_teacher(db, places[0], actor)
    sitting = Sitting(login_session_hash, actor.account_id, None, None, places[0].machine.id, view_only)
    return consoles.write_ticket(db, sitting, kind=kind, now=now)


def refuse_student(place: Place, student: Student) -> bool:
    """Raise unless the student may sit there now; True if they may only look."""
    if place.seat.student_id != student.id:
        raise NotAllowed(N_("This is not your seat."))
    if place.seat.state == SeatState.KEPT and place.seat.host is not None:
        return False  # whoever locked the class is gone
    if place.lab_session.state not in seats.USABLE:
        raise Conflict(N_("The class does not go on now."))
    if place.seat.state != SeatState.TAKEN or place.seat.host is None:
        raise Conflict(BEING_MADE)
    return place.lab_session.locked


def refuse_teacher(db: Session, place: Place, actor: Actor) -> None:
    """Raise NotFound unless it is the actor's class, and Conflict while the seat has no machines."""
    lab_sessions.get(db, actor=actor, lab_session_id=place.lab_session.id)
    if place.seat.state not in WITH_MACHINES or place.seat.host is None:
        raise Conflict(BEING_MADE)
    keeping = kept_seats.of_seat(db, place.seat.id) if place.seat.state == SeatState.KEPT else None
    if keeping is not None and keeping.state != KeepingState.KEPT:
        raise Conflict(kept_seats.NOT_KEPT)


def enter(db: Session, burnt: ConsoleTicket, *, now: datetime) -> Entry:
    """As consoles.enter, for a ticket of a seat's machine."""
    place = places_where(db, SeatMachine.id == burnt.seat_machine_id).get(burnt.seat_machine_id)
    if place is None:
        raise NotFound(N_("There is no such console."))
    if burnt.student_id is not None:
        return enter_as_student(db, burnt, place, now=now)
    actor = consoles.actor_behind(db, burnt)
    refuse_teacher(db, place, actor)
    details = {"kind": burnt.kind, "view_only": burnt.view_only, "machine": place.machine.name}
    record(db, actor=actor, action="console.opened", subject=place.subject, now=now, details=details)
    if not burnt.view_only:
        note_teacher(db, place.seat, here=True)
    return entry_of(burnt, place, view_only=burnt.view_only, actor=actor)


def note_teacher(db: Session, seat: Seat, *, here: bool) -> None:
    """The student's page says so while somebody who teaches can type at this seat."""
    if seat.teacher_here != here:
        seat.teacher_here = here
        seats.bump(db, seat.lab_session_id)


def note_closed(db: Session, entry: Entry, *, opened_at: datetime, why: str, now: datetime) -> None:
    """As consoles.note_closed, for all consoles together, those of seats included."""
    consoles.note_closed(db, entry, opened_at=opened_at, why=why, now=now)
    machine = db.get(SeatMachine, entry.sitting.seat_machine_id) if entry.sitting.seat_machine_id else None
    if machine is not None and entry.actor is not None and not entry.view_only:
        note_teacher(db, db.get_one(Seat, machine.seat_id), here=False)


def enter_as_student(db: Session, burnt: ConsoleTicket, place: Place, *, now: datetime) -> Entry:
    student = students.student_by_hash(db, burnt.login_session_hash)
    if student is None or student.id != burnt.student_id:
        raise NotAllowed(N_("The class is over."))
    view_only = refuse_student(place, student)
    details = {"student": student.name, "seat": place.seat.number, "machine": place.machine.name}
    note_first_opening(db, student, place, now, action="console.opened", details=details)
    return entry_of(burnt, place, view_only=view_only, actor=None)


def entry_of(burnt: ConsoleTicket, place: Place, *, view_only: bool, actor: Actor | None) -> Entry:
    assert place.seat.host is not None  # noqa: S101 - whoever calls has refused seats without one
    sitting = Sitting(
        burnt.login_session_hash, burnt.account_id, None, burnt.student_id, place.machine.id, view_only=view_only
    )
    return Entry(
        sitting=sitting,
        vm_id=place.machine.id,
        host=place.seat.host.reached_at,
        kind=ConsoleKind(burnt.kind),
        view_only=view_only,
        actor=actor,
        subject=place.subject,
    )


def note_first_opening(
    db: Session, student: Student, place: Place, now: datetime, *, action: str, details: Mapping[str, object]
) -> None:
    """Once for each student and seat: who sat where is kept, and not each of a thousand openings in an hour."""
    noted = select(AuditEntry.id).where(
        AuditEntry.action == action,
        AuditEntry.subject_id == place.subject.id,
        AuditEntry.actor_id.is_(None),
        AuditEntry.at >= student.joined_at,
    )
    if db.scalar(noted.limit(1)) is None:
        record(db, actor=None, action=action, subject=place.subject, now=now, details=details)


def refusals(
    db: Session, sittings: Collection[Sitting], *, now: datetime, idle_minutes: int
) -> Mapping[Sitting, Refusal | None]:
    """As consoles.refusals, for all open connections together, those of seats and of students included."""
    of_accounts = {sitting for sitting in sittings if sitting.student_id is None}
    found = dict(consoles.refusals(db, of_accounts, now=now, idle_minutes=idle_minutes))
    at_seats = {sitting for sitting in sittings if sitting.seat_machine_id is not None}
    if not at_seats:
        return found
    places = places_where(db, SeatMachine.id.in_({sitting.seat_machine_id for sitting in at_seats}))
    hashes = {sitting.login_session_hash for sitting in at_seats if sitting.student_id}
    keys = {row.key_hash: row for row in db.scalars(students.of_open_classes().where(Student.key_hash.in_(hashes)))}
    people = accounts_of(db, at_seats)
    for sitting in at_seats:
        place = places.get(sitting.seat_machine_id)
        if sitting.student_id is not None:
            found[sitting] = refusal_of_student(sitting, keys.get(sitting.login_session_hash), place)
        elif found[sitting] is None:
            found[sitting] = refusal_of_teacher(db, people[sitting.account_id], place)
    return found


def refusal_of_student(sitting: Sitting, student: Student | None, place: Place | None) -> Refusal | None:
    if student is None or student.id != sitting.student_id:
        return Refusal.CLASS_OVER
    if place is None or place.seat.student_id != student.id:
        return Refusal.NOT_ALLOWED
    try:
        view_only = refuse_student(place, student)
    except Conflict:
        return Refusal.TURNED
    return None if view_only == sitting.view_only else Refusal.TURNED


def refusal_of_teacher(db: Session, actor: Actor, place: Place | None) -> Refusal | None:
    """A seat that begins anew closes its consoles by itself."""
    if place is None:
        return Refusal.NOT_ALLOWED
    try:
        lab_sessions.get(db, actor=actor, lab_session_id=place.lab_session.id)
    except NotFound:
        return Refusal.NOT_ALLOWED
    return None


def accounts_of(db: Session, sittings: Collection[Sitting]) -> Mapping[UUID | None, Actor]:
    wanted = {sitting.account_id for sitting in sittings if sitting.account_id}
    return {row.id: accounts.actor_of(row) for row in db.scalars(select(Account).where(Account.id.in_(wanted)))}


def places_where(db: Session, condition: ColumnElement[bool]) -> dict[UUID | None, Place]:
    query = (
        select(SeatMachine, Seat, LabSession)
        .join(Seat, Seat.id == SeatMachine.seat_id)
        .join(LabSession, LabSession.id == Seat.lab_session_id)
        .where(condition)
        .order_by(SeatMachine.position)
        .execution_options(populate_existing=True)
    )
    return {machine.id: Place(machine, seat, lab_session) for machine, seat, lab_session in db.execute(query)}
