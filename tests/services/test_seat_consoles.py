"""Consoles of seats: the student's own, the teacher's all, and nobody else's; on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.policy import Role
from portal.interfaces import ConsoleKind
from portal.models import AuditEntry, ConsoleTicket, LabSession, Seat, Student
from portal.services import consoles, login_sessions, seat_consoles
from portal.services.accounts import actor_of
from portal.services.consoles import Entry, Refusal, Sitting
from tests.factories import actor_for, make_account, make_host, make_lab_session, make_seat, make_student
from tests.factories.moments import NOW

LOGIN = "0" * 64


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def lab_session(db: Session) -> LabSession:
    return make_lab_session(db, teacher=make_account(db, "tom", role=Role.TEACHER))


@pytest.fixture
def maria(db: Session, lab_session: LabSession) -> Student:
    return make_student(db, lab_session, "María", key="maria")


@pytest.fixture
def seat(db: Session, lab_session: LabSession, maria: Student) -> Seat:
    seat = make_seat(db, lab_session, student=maria, host_id=make_host(db).id)
    db.commit()
    return seat


def ticket_for_student(db: Session, student: Student, machine: str = "server") -> str:
    return seat_consoles.issue_for_student(
        db, student=student, key_hash=student.key_hash, machine=machine, kind=ConsoleKind.SERIAL, now=NOW
    )


def ticket_for_teacher(db: Session, seat: Seat, **changes: Any) -> str:
    ordinary = {
        "actor": actor_for(db, "tom"),
        "login_session_hash": LOGIN,
        "seat_id": seat.id,
        "machine": "server",
        "kind": ConsoleKind.GRAPHICAL,
        "view_only": True,
        "now": NOW,
    }
    return seat_consoles.issue_for_teacher(db, **{**ordinary, **changes})


def burn(db: Session, ticket: str, key_hash: str) -> ConsoleTicket:
    burnt = consoles.burn_ticket(db, ticket, login_session_hash=key_hash, now=NOW)
    assert burnt is not None
    return burnt


def enter(db: Session, student: Student, machine: str = "server") -> Entry:
    return seat_consoles.enter(db, burn(db, ticket_for_student(db, student, machine), student.key_hash), now=NOW)


def opened(db: Session) -> list[tuple[str, str, object]]:
    rows = db.scalars(select(AuditEntry).where(AuditEntry.action == "console.opened").order_by(AuditEntry.id))
    return [(row.actor, row.subject_name, row.details.get("student")) for row in rows]


def test_a_student_opens_the_machines_of_their_own_seat(db: Session, seat: Seat, maria: Student) -> None:
    entry = enter(db, maria, "client")
    assert (entry.vm_id, entry.host.name, entry.view_only) == (seat.machines[1].id, "hv1", False)
    assert (entry.sitting.account_id, entry.sitting.student_id) == (None, maria.id)


def test_another_seats_machines_are_not_there(db: Session, lab_session: LabSession, seat: Seat) -> None:
    noor = make_student(db, lab_session, "Noor", key="noor")
    with pytest.raises(NotFound):
        ticket_for_student(db, noor)
    make_seat(db, lab_session, number=2, student=noor, host_id=seat.host_id)
    entry = enter(db, noor)
    assert entry.vm_id not in {machine.id for machine in seat.machines}


def test_a_machine_that_the_lab_does_not_have_is_not_there(db: Session, seat: Seat, maria: Student) -> None:
    with pytest.raises(NotFound):
        ticket_for_student(db, maria, "router")


def test_a_ticket_is_worth_nothing_with_anothers_key(db: Session, seat: Seat, maria: Student) -> None:
    ticket = ticket_for_student(db, maria)
    assert consoles.burn_ticket(db, ticket, login_session_hash=LOGIN, now=NOW) is None


@pytest.mark.parametrize("state", [SeatState.BUILDING, SeatState.READY])
def test_only_a_seat_that_is_taken_has_consoles_for_students(
    db: Session, seat: Seat, maria: Student, state: SeatState
) -> None:
    seat.state = state
    db.flush()
    with pytest.raises(Conflict):
        ticket_for_student(db, maria)


@pytest.mark.parametrize("state", [LabSessionState.BOOKED, LabSessionState.PREPARING, LabSessionState.ENDED])
def test_only_a_class_that_goes_on_has_consoles_for_students(
    db: Session, lab_session: LabSession, seat: Seat, maria: Student, state: LabSessionState
) -> None:
    ticket = ticket_for_student(db, maria)
    lab_session.state = state
    db.flush()
    with pytest.raises(Conflict):
        ticket_for_student(db, maria)
    with pytest.raises((Conflict, NotAllowed)):
        seat_consoles.enter(db, burn(db, ticket, maria.key_hash), now=NOW)


def test_a_seat_that_changed_hands_is_refused_when_the_ticket_is_used(
    db: Session, lab_session: LabSession, seat: Seat, maria: Student
) -> None:
    burnt = burn(db, ticket_for_student(db, maria), maria.key_hash)
    seat.student_id = make_student(db, lab_session, "Noor").id
    db.flush()
    with pytest.raises(NotAllowed):
        seat_consoles.enter(db, burnt, now=NOW)


def test_while_the_class_is_locked_students_only_look(
    db: Session, lab_session: LabSession, seat: Seat, maria: Student
) -> None:
    ticket = ticket_for_student(db, maria)
    lab_session.locked = True
    db.flush()
    assert seat_consoles.enter(db, burn(db, ticket, maria.key_hash), now=NOW).view_only


def test_the_audit_log_keeps_a_students_first_opening_and_all_of_teachers(
    db: Session, seat: Seat, maria: Student
) -> None:
    for machine in ("server", "client", "server"):
        enter(db, maria, machine)
    for _ in range(2):
        seat_consoles.enter(db, burn(db, ticket_for_teacher(db, seat), LOGIN), now=NOW)
    of_student, of_tom = ("Vivero", "first-steps 1", "María"), ("Tom", "first-steps 1", None)
    assert opened(db) == [of_student, of_tom, of_tom]


def test_the_teacher_opens_any_seat_of_the_class_and_may_only_look_if_so_asked(db: Session, seat: Seat) -> None:
    entry = seat_consoles.enter(db, burn(db, ticket_for_teacher(db, seat), LOGIN), now=NOW)
    assert (entry.vm_id, entry.view_only, entry.kind) == (seat.machines[0].id, True, ConsoleKind.GRAPHICAL)
    other = seat_consoles.enter(db, burn(db, ticket_for_teacher(db, seat, view_only=False), LOGIN), now=NOW)
    assert not other.view_only


@pytest.mark.parametrize(
    ("login", "role", "department"),
    [
        ("ted", Role.TEACHER, "farmacia"),
        ("eve", Role.TEACHER, "radiologia"),
        ("ada", Role.REQUESTER, "farmacia"),
        ("olga", Role.AUDITOR, "farmacia"),
    ],
)
def test_nobody_elses_class_has_consoles(db: Session, seat: Seat, login: str, role: Role, department: str) -> None:
    with pytest.raises(NotFound):
        ticket_for_teacher(db, seat, actor=actor_for(db, login, role=role, department=department))


def test_who_manages_labs_may_look_too(db: Session, seat: Seat) -> None:
    assert ticket_for_teacher(db, seat, actor=actor_for(db, "alan", role=Role.ADMIN))


def ask(db: Session, *sittings: Sitting) -> list[Refusal | None]:
    found = seat_consoles.refusals(db, set(sittings), now=NOW, idle_minutes=15)
    return [found[sitting] for sitting in sittings]


def test_who_may_stay_is_asked_for_students_and_teachers_at_once(
    db: Session, lab_session: LabSession, seat: Seat, maria: Student
) -> None:
    tom = lab_session.teacher
    key_hash = login_sessions.hash_of(login_sessions.open_session(db, account_id=tom.id, now=NOW))
    machine_id = seat.machines[0].id
    of_maria = Sitting(maria.key_hash, None, None, maria.id, machine_id)
    of_tom = Sitting(key_hash, tom.id, None, None, machine_id, True)
    gone = Sitting(LOGIN, tom.id, None, None, machine_id, True)
    assert ask(db, of_maria, of_tom, gone) == [None, None, Refusal.LOGGED_OUT]

    lab_session.locked = True
    db.flush()
    assert ask(db, of_maria, of_tom) == [Refusal.TURNED, None]
    lab_session.locked, seat.state = False, SeatState.BUILDING
    db.flush()
    assert ask(db, of_maria) == [Refusal.TURNED]
    seat.state, seat.student_id = SeatState.TAKEN, make_student(db, lab_session, "Noor").id
    db.flush()
    assert ask(db, of_maria) == [Refusal.NOT_ALLOWED]
    lab_session.state, lab_session.teacher_id = LabSessionState.ENDED, make_account(db, "ted", role=Role.TEACHER).id
    db.flush()
    assert ask(db, of_maria, of_tom) == [Refusal.CLASS_OVER, Refusal.NOT_ALLOWED]


def test_a_teachers_rights_are_asked_again(db: Session, seat: Seat, lab_session: LabSession) -> None:
    burnt = burn(db, ticket_for_teacher(db, seat, actor=actor_of(lab_session.teacher)), LOGIN)
    lab_session.teacher.memberships.clear()
    db.flush()
    with pytest.raises(NotFound):
        seat_consoles.enter(db, burnt, now=NOW)


def test_at_a_kept_seat_the_teacher_takes_over_and_its_student_sees_it(
    db: Session, lab_session: LabSession, seat: Seat
) -> None:
    seat.state, lab_session.state = SeatState.KEPT, LabSessionState.ENDED
    db.flush()
    entry = seat_consoles.enter(db, burn(db, ticket_for_teacher(db, seat, view_only=False), LOGIN), now=NOW)
    assert (entry.view_only, seat.teacher_here) == (False, True)
    assert [row[1] for row in opened(db)] == [f"{lab_session.lab_slug} {seat.number}"]
    seat_consoles.note_closed(db, entry, opened_at=NOW, why="closed", now=NOW)
    assert seat.teacher_here is False
