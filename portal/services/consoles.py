"""Consoles: tickets that open one console once, who may stay in it, and what the audit log keeps of it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotAllowed, NotFound
from portal.core.lifecycle import VmState
from portal.core.policy import Actor
from portal.interfaces import ConsoleKind, HostAddress
from portal.models import Account, ConsoleTicket
from portal.services import accounts, login_sessions, students, vms
from portal.services.audit import Subject, record, subject_of

TICKET_LIVES = timedelta(seconds=30)
KEPT_FOR = timedelta(hours=1)
CONSOLE_KINDS = tuple(kind.value for kind in ConsoleKind)  # doors' tickets are theirs alone (services/doors.py)
MOST_OPEN_TICKETS = 20  # not burnt and not over, for one log-in


class Refusal(StrEnum):
    """Why an open connection must end. `TURNED`: only to begin again, for looking and touching have changed."""

    LOGGED_OUT = "logged-out"
    NOT_ALLOWED = "not-allowed"
    TURNED = "turned"
    CLASS_OVER = "class-over"


@dataclass(frozen=True)
class Sitting:
    """Who sits behind an open connection, and at what: an account within a log-in, or a student by their own key.

    `vm_id` or `seat_machine_id` for a console; of seats (services/seat_consoles.py) also whether it is only looked at.
    """

    login_session_hash: str
    account_id: UUID | None
    vm_id: UUID | None = None
    student_id: UUID | None = None
    seat_machine_id: UUID | None = None
    view_only: bool = False


@dataclass(frozen=True)
class Entry:
    """A burnt ticket: the console that may be opened now, once.

    `vm_id` is the domain's: of a machine, or of a machine of a seat. `actor` is None for a student, whose consoles are
    not noted when they close.
    """

    sitting: Sitting
    vm_id: UUID
    host: HostAddress
    kind: ConsoleKind
    view_only: bool
    actor: Actor | None
    subject: Subject


def hash_of(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


def issue_ticket(
    db: Session,
    *,
    actor: Actor,
    vm_id: UUID,
    kind: ConsoleKind,
    login_session_hash: str,
    now: datetime,
    view_only: bool = False,
) -> str:
    """A ticket for one console of a machine that runs; it lives 30 s and only within this log-in."""
    vm = vms.usable(db, actor=actor, vm_id=vm_id)
    if vm.state != VmState.RUNNING or vm.host is None:
        raise Conflict(N_("The machine does not run. Start it, then open its console."))
    sitting = Sitting(login_session_hash, actor.account_id, vm_id, view_only=view_only)
    return write_ticket(db, sitting, kind=kind, now=now)


def write_ticket(db: Session, sitting: Sitting, *, kind: str, now: datetime) -> str:
    """A ticket for this place: a console's kind, or "door". The caller has checked that the person may sit there."""
    sweep(db, now)
    refuse_hoarding(db, sitting.login_session_hash, now)
    ticket = secrets.token_urlsafe(32)
    db.add(
        ConsoleTicket(
            ticket_hash=hash_of(ticket),
            kind=str(kind),
            expires_at=now + TICKET_LIVES,
            **asdict(sitting),
        )
    )
    db.flush()
    return ticket


def sweep(db: Session, now: datetime) -> None:
    db.execute(delete(ConsoleTicket).where(ConsoleTicket.expires_at < now - KEPT_FOR))


def refuse_hoarding(db: Session, login_session_hash: str, now: datetime) -> None:
    open_tickets = select(func.count()).where(
        ConsoleTicket.login_session_hash == login_session_hash,
        ConsoleTicket.burnt_at.is_(None),
        ConsoleTicket.expires_at > now,
    )
    if (db.scalar(open_tickets) or 0) >= MOST_OPEN_TICKETS:
        raise Conflict(N_("Too many consoles were asked for at once. Please wait a moment."))


def burn_ticket(db: Session, ticket: str, *, login_session_hash: str, now: datetime) -> ConsoleTicket | None:
    """Use the ticket up, by compare-and-swap: of any number of tries at once, one gets it. **Commit in any case.**"""
    burnt = db.execute(
        update(ConsoleTicket)
        .where(
            ConsoleTicket.ticket_hash == hash_of(ticket),
            ConsoleTicket.kind.in_(CONSOLE_KINDS),
            ConsoleTicket.login_session_hash == login_session_hash,
            ConsoleTicket.burnt_at.is_(None),
            ConsoleTicket.expires_at > now,
        )
        .values(burnt_at=now)
        .returning(ConsoleTicket.ticket_hash)
    ).scalar()
    return db.get(ConsoleTicket, burnt, populate_existing=True) if burnt else None


def enter(db: Session, burnt: ConsoleTicket, *, now: datetime) -> Entry:
    """Check the permission once more, note the opening, and say where the console is."""
    actor = actor_behind(db, burnt)
    if burnt.vm_id is None:
        raise NotFound(N_("There is no such console."))
    vm = vms.usable(db, actor=actor, vm_id=burnt.vm_id)
    if vm.host is None or vm.state != VmState.RUNNING:
        raise Conflict(N_("The machine does not run. Start it, then open its console."))
    details = {"kind": burnt.kind, "view_only": burnt.view_only}
    subject = subject_of(vm)
    record(db, actor=actor, action="console.opened", subject=subject, now=now, details=details)
    return Entry(
        sitting=Sitting(burnt.login_session_hash, actor.account_id, vm.id, view_only=burnt.view_only),
        vm_id=vm.id,
        subject=subject,
        host=vm.host.reached_at,
        kind=ConsoleKind(burnt.kind),
        view_only=burnt.view_only,
        actor=actor,
    )


def actor_behind(db: Session, burnt: ConsoleTicket) -> Actor:
    account = db.get(Account, burnt.account_id) if burnt.account_id else None
    if account is None or not account.active:
        raise NotAllowed(N_("Please log in."))
    return accounts.actor_of(account)


def note_closed(db: Session, entry: Entry, *, opened_at: datetime, why: str, now: datetime) -> None:
    if entry.actor is None:
        return
    seconds = int((now - opened_at).total_seconds())
    details = {"kind": str(entry.kind), "seconds": seconds}
    record(db, actor=entry.actor, action="console.closed", subject=entry.subject, now=now, reason=why, details=details)


def refusals(
    db: Session, sittings: Collection[Sitting], *, now: datetime, idle_minutes: int
) -> Mapping[Sitting, Refusal | None]:
    """For each open connection of an account: None if it may stay. Asked every few seconds for all at once."""
    hashes = {sitting.login_session_hash for sitting in sittings}
    living = {
        key_hash: row.account_id
        for key_hash in hashes
        if (row := login_sessions.load_by_hash(db, key_hash, now, idle_minutes=idle_minutes))
    }
    wanted = {sitting.account_id for sitting in sittings}
    people: dict[UUID | None, Account] = {
        row.id: row for row in db.scalars(select(Account).where(Account.id.in_(wanted), Account.active))
    }
    return {
        sitting: Refusal.LOGGED_OUT
        if sitting.account_id not in people or living.get(sitting.login_session_hash) != sitting.account_id
        else refusal_of(db, accounts.actor_of(people[sitting.account_id]), sitting)
        for sitting in sittings
    }


def touch(db: Session, sitting: Sitting, now: datetime) -> None:
    """Note that the person is there."""
    if sitting.student_id is None:
        login_sessions.touch(db, sitting.login_session_hash, now)
    else:
        students.touch(db, sitting.login_session_hash, now)


def refusal_of(db: Session, actor: Actor, sitting: Sitting) -> Refusal | None:
    if sitting.vm_id is None:
        return None
    try:
        vms.usable(db, actor=actor, vm_id=sitting.vm_id)
    except (NotAllowed, NotFound):
        return Refusal.NOT_ALLOWED
    return None
