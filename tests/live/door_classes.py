"""A class of a lab with doors, and the addresses that its pages lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from portal.core.labs import LabDoor
from portal.core.policy import Role
from portal.core.templates import Words
from portal.models import Account, LabSession, Seat, Student
from portal.services import doors, login_sessions
from portal.services.accounts import actor_of
from portal.site import Site
from tests.factories import (
    make_account,
    make_host,
    make_lab_session,
    make_lab_version,
    make_seat,
    make_student,
)
from tests.factories.moments import NOW

WORDS = Words("La página", "The page")
DOORS = (LabDoor("page", WORDS, "server", 80, "/start"), LabDoor("admin", WORDS, "server", 8080))
SOCKET = "server-80"
BASE_URL = "http://127.0.0.1:8080"
KEYS = {"María": "key-of-maria", "Noor": "key-of-noor"}


@dataclass(frozen=True)
class DoorClass:
    """Tom's class with María and Noor in it."""

    site: Site
    lab_session: LabSession
    seats: dict[str, Seat]
    tom: Account
    login_key: str

    def address(self, name: str, door: str = "page") -> str:
        """What the student's page leads to."""
        with self.site.write_sessions.begin() as db:
            student = db.get_one(Student, self.seats[name].student_id)
            now = self.site.clock()
            return doors.issue_for_student(db, settings=self.site.settings, student=student, door=door, now=now)

    def address_of_tom(self) -> str:
        with self.site.write_sessions.begin() as db:
            return doors.issue_for_teacher(
                db,
                settings=self.site.settings,
                actor=actor_of(db.get_one(Account, self.tom.id)),
                login_session_hash=login_sessions.hash_of(self.login_key),
                seat_id=self.seats["María"].id,
                door="page",
                now=self.site.clock(),
            )

    def change(self, name: str, work: Callable[[LabSession, Seat], None]) -> None:
        with self.site.write_sessions.begin() as db:
            work(db.get_one(LabSession, self.lab_session.id), db.get_one(Seat, self.seats[name].id))


def make_door_class(site: Site, db: Session) -> DoorClass:
    tom = make_account(db, "tom", role=Role.TEACHER)
    lab_session = make_lab_session(db, teacher=tom, lab_version=make_lab_version(db, doors=DOORS))
    host = make_host(db)
    seats = {
        name: make_seat(
            db, lab_session, number=number, student=make_student(db, lab_session, name, key=key), host_id=host.id
        )
        for number, (name, key) in enumerate(KEYS.items(), start=1)
    }
    login_key = login_sessions.open_session(db, account_id=tom.id, now=NOW)
    db.commit()
    return DoorClass(
        replace(site, settings=replace(site.settings, base_url=BASE_URL)), lab_session, seats, tom, login_key
    )
