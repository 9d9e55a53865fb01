"""Doors of seats: who may open which, tickets that open one once, and the names under which browsers reach them."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.core.errors import N_, Conflict, NotAllowed, NotFound
from portal.core.labs import LabDoor
from portal.core.lifecycle import SeatState
from portal.core.policy import Actor
from portal.interfaces import HostAddress
from portal.models import Account, ConsoleTicket, Seat, SeatMachine, Student
from portal.services import accounts, consoles, login_sessions, seat_consoles, seats, students
from portal.services.audit import record
from portal.services.consoles import Sitting
from portal.services.seat_consoles import Place
from portal.services.seat_designs import door_name

KIND = "door"  # of their tickets, which no console takes
LABEL_LETTERS = 24
NO_SUCH_DOOR = N_("There is no such door.")
CLASS_IS_OVER = N_("The class is over.")
ENTER = "/.vivero/enter"  # on each door's own origin, where the ticket becomes a cookie


@dataclass(frozen=True)
class DoorPass:
    """Somebody at one door of one seat, by their log-in or their key of a class. A signed cookie carries it."""

    seat_id: UUID
    door: str
    key_hash: str
    account_id: UUID | None = None
    student_id: UUID | None = None


@dataclass(frozen=True)
class Way:
    """Where a door leads: `socket` is what the host calls it, `path` where its page begins."""

    host: HostAddress
    seat_id: UUID
    socket: str
    path: str


def label_of(settings: Settings, door_pass: DoorPass) -> str:
    """The first part of the origin: one for each seat, door and person, so that none shares cookies with another."""
    who = door_pass.student_id or door_pass.account_id
    text = f"vivero.door {door_pass.seat_id} {who} {door_pass.door}"
    return "seat-" + hmac.new(settings.secret_key.encode(), text.encode(), sha256).hexdigest()[:LABEL_LETTERS]


def origin_of(settings: Settings, label: str) -> str:
    base = urlsplit(settings.base_url)
    port = f":{base.port}" if base.port else ""
    return f"{base.scheme}://{label}.{settings.doors_at}{port}"


def issue_for_student(db: Session, *, settings: Settings, student: Student, door: str, now: datetime) -> str:
    """The address that opens a door of the student's own seat, once and soon."""
    place, found = door_where(db, students_seat(db, student), door)
    refuse_student(place, student)
    who = DoorPass(place.seat.id, found.name, student.key_hash, student_id=student.id)
    return write_address(db, settings, who, place, now)


def issue_for_teacher(
    db: Session,
    *,
    settings: Settings,
    actor: Actor,
    login_session_hash: str,
    seat_id: UUID,
    door: str,
    now: datetime,
) -> str:
    """The same for any seat of the actor's class; a locked class is open to them."""
    place, found = door_where(db, seat_id, door)
    refuse_teacher(db, place, actor)
    who = DoorPass(place.seat.id, found.name, login_session_hash, account_id=actor.account_id)
    return write_address(db, settings, who, place, now)


def students_seat(db: Session, student: Student) -> UUID:
    seat = seats.seat_of(db, student.id)
    if seat is None:
        raise Conflict(seat_consoles.BEING_MADE)
    return seat.id


def door_where(db: Session, seat_id: UUID, door: str) -> tuple[Place, LabDoor]:
    """The door and the machine that it leads to. Raises NotFound."""
    for place in seat_consoles.places_where(db, Seat.id == seat_id).values():
        found = students.spec_of(place.lab_session).door(door)
        if found is not None and found.machine == place.machine.name:
            return place, found
    raise NotFound(NO_SUCH_DOOR)


def refuse_student(place: Place, student: Student) -> None:
    if seat_consoles.refuse_student(place, student):
        raise Conflict(N_("Your teacher has locked the machines. Please wait a moment."))


def refuse_teacher(db: Session, place: Place, actor: Actor) -> None:
    seat_consoles.refuse_teacher(db, place, actor)
    if place.lab_session.state not in seats.USABLE and place.seat.state != SeatState.KEPT:
        raise Conflict(N_("The class does not go on now."))


def write_address(db: Session, settings: Settings, who: DoorPass, place: Place, now: datetime) -> str:
    if not settings.doors_at:
        raise Conflict(
            N_("This portal cannot open doors yet: its address for them is missing. Please tell an administrator.")
        )
    sitting = Sitting(who.key_hash, who.account_id, None, who.student_id, place.machine.id)
    ticket = consoles.write_ticket(db, sitting, kind=KIND, now=now)
    return f"{origin_of(settings, label_of(settings, who))}{ENTER}?ticket={ticket}&door={who.door}"


def burn(db: Session, ticket: str, *, door: str, now: datetime) -> DoorPass | None:
    """Use the ticket up, by compare-and-swap. **Commit in any case.** What the pass is worth says `way_of`."""
    burnt = db.execute(
        update(ConsoleTicket)
        .where(
            ConsoleTicket.ticket_hash == consoles.hash_of(ticket),
            ConsoleTicket.kind == KIND,
            ConsoleTicket.burnt_at.is_(None),
            ConsoleTicket.expires_at > now,
        )
        .values(burnt_at=now)
        .returning(ConsoleTicket.ticket_hash)
    ).scalar()
    row = db.get(ConsoleTicket, burnt, populate_existing=True) if burnt else None
    if row is None:
        return None
    place = seat_consoles.places_where(db, SeatMachine.id == row.seat_machine_id)[row.seat_machine_id]
    return DoorPass(place.seat.id, door, row.login_session_hash, row.account_id, row.student_id)


def way_of(db: Session, who: DoorPass, *, now: datetime, idle_minutes: int) -> Way:
    """Where it leads, for who may still go there now. Raises NotFound, NotAllowed or Conflict."""
    place, door = door_where(db, who.seat_id, who.door)
    if who.student_id is not None:
        student = students.student_by_hash(db, who.key_hash)
        if student is None or student.id != who.student_id:
            raise NotAllowed(CLASS_IS_OVER)
        refuse_student(place, student)
    else:
        refuse_teacher(db, place, actor_behind(db, who, now=now, idle_minutes=idle_minutes))
    assert place.seat.host is not None  # noqa: S101 - both have refused seats without one
    return Way(place.seat.host.reached_at, place.seat.id, door_name(door.machine, door.port), door.path)


def actor_behind(db: Session, who: DoorPass, *, now: datetime, idle_minutes: int) -> Actor:
    login = login_sessions.load_by_hash(db, who.key_hash, now, idle_minutes=idle_minutes)
    account = db.get(Account, who.account_id, populate_existing=True) if who.account_id else None
    if login is None or account is None or not account.active or login.account_id != account.id:
        raise NotAllowed(N_("Please log in."))
    return accounts.actor_of(account)


def note_opening(db: Session, who: DoorPass, *, now: datetime) -> None:
    """In the audit log: each opening by a teacher, and a student's first at this seat."""
    place, door = door_where(db, who.seat_id, who.door)
    details: dict[str, object] = {"door": door.name, "machine": door.machine, "seat": place.seat.number}
    if who.student_id is None:
        account = db.get_one(Account, who.account_id)
        actor = accounts.actor_of(account)
        record(db, actor=actor, action="door.opened", subject=place.subject, now=now, details=details)
        return
    student = db.get_one(Student, who.student_id)
    details["student"] = student.name
    seat_consoles.note_first_opening(db, student, place, now, action="door.opened", details=details)


def touch(db: Session, who: DoorPass, now: datetime) -> None:
    """Note that the person is there."""
    consoles.touch(db, Sitting(who.key_hash, who.account_id, student_id=who.student_id), now)
