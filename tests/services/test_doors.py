"""Doors of seats: names that nobody guesses, tickets that open once; on both databases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.core.errors import Conflict, NotAllowed, NotFound
from portal.core.labs import LabDoor
from portal.core.policy import Role
from portal.core.templates import Words
from portal.models import AuditEntry, LabSession, Seat, Student
from portal.services import doors
from portal.services.doors import DoorPass
from tests.factories import (
    actor_for,
    make_account,
    make_host,
    make_lab_session,
    make_lab_version,
    make_seat,
    make_student,
)
from tests.factories.moments import NOW

WORDS = Words("La página", "The page")


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def settings() -> Settings:
    return Settings(
        Path("/"), "", "", "a secret of tests", base_url="https://vivero.example", doors_domain="doors.example"
    )


@pytest.fixture
def lab_session(db: Session) -> LabSession:
    there = (LabDoor("page", WORDS, "server", 80, "/wiki"), LabDoor("admin", WORDS, "client", 8080))
    return make_lab_session(
        db, teacher=make_account(db, "tom", role=Role.TEACHER), lab_version=make_lab_version(db, doors=there)
    )


@pytest.fixture
def maria(db: Session, lab_session: LabSession) -> Student:
    return make_student(db, lab_session, "María", key="maria")


@pytest.fixture
def seat(db: Session, lab_session: LabSession, maria: Student) -> Seat:
    seat = make_seat(db, lab_session, student=maria, host_id=make_host(db).id)
    db.commit()
    return seat


def ticket_in(address: str) -> str:
    return parse_qs(urlsplit(address).query)["ticket"][0]


def ticket_of(db: Session, settings: Settings, student: Student, door: str = "page") -> str:
    return ticket_in(doors.issue_for_student(db, settings=settings, student=student, door=door, now=NOW))


def test_a_ticket_opens_the_students_door_once(db: Session, settings: Settings, seat: Seat, maria: Student) -> None:
    ticket = ticket_of(db, settings, maria)
    who = doors.burn(db, ticket, door="page", now=NOW)
    assert who == DoorPass(seat.id, "page", maria.key_hash, student_id=maria.id)
    assert doors.burn(db, ticket, door="page", now=NOW) is None
    way = doors.way_of(db, who, now=NOW, idle_minutes=15)
    assert (way.host.name, way.seat_id, way.socket, way.path) == ("hv1", seat.id, "server-80", "/wiki")


def test_each_seat_door_person_and_portal_has_a_name_of_its_own(settings: Settings) -> None:
    who = DoorPass(uuid4(), "page", "0", student_id=uuid4())
    others = [
        replace(who, seat_id=uuid4()),
        replace(who, door="admin"),
        replace(who, student_id=uuid4()),
        replace(who, student_id=None, account_id=uuid4()),
    ]
    labels = {doors.label_of(settings, one) for one in (who, *others)}
    labels.add(doors.label_of(replace(settings, secret_key="another"), who))
    assert len(labels) == 6
    assert doors.origin_of(settings, "seat-1") == "https://seat-1.doors.example"


def test_a_portal_without_a_name_for_doors_says_so(db: Session, settings: Settings, seat: Seat, maria: Student) -> None:
    with pytest.raises(Conflict, match="administrator"):
        ticket_of(db, replace(settings, doors_domain=""), maria)


def test_a_door_of_another_seat_is_not_opened(
    db: Session, settings: Settings, lab_session: LabSession, seat: Seat, maria: Student
) -> None:
    noor = make_student(db, lab_session, "Noor", key="noor")
    with pytest.raises(Conflict):
        ticket_of(db, settings, noor)
    stolen = DoorPass(seat.id, "page", noor.key_hash, student_id=noor.id)
    with pytest.raises(NotAllowed):
        doors.way_of(db, stolen, now=NOW, idle_minutes=15)
    with pytest.raises(NotAllowed):
        doors.way_of(db, replace(stolen, student_id=maria.id), now=NOW, idle_minutes=15)


@pytest.mark.parametrize("login", ["ted", "eve"])
def test_another_teacher_opens_no_door_of_this_class(db: Session, settings: Settings, seat: Seat, login: str) -> None:
    with pytest.raises(NotFound):
        doors.issue_for_teacher(
            db,
            settings=settings,
            actor=actor_for(db, login, role=Role.TEACHER),
            login_session_hash="0" * 64,
            seat_id=seat.id,
            door="page",
            now=NOW,
        )


def test_the_audit_log_keeps_a_students_first_door(db: Session, settings: Settings, seat: Seat, maria: Student) -> None:
    for door in ("page", "admin", "page"):
        who = doors.burn(db, ticket_of(db, settings, maria, door), door=door, now=NOW)
        assert who is not None
        doors.note_opening(db, who, now=NOW)
    entry = db.scalars(select(AuditEntry).where(AuditEntry.action == "door.opened")).one()
    assert entry.details == {"door": "page", "machine": "server", "seat": 1, "student": "María"}
