"""Consoles of seats over a real WebSocket: a student by their key, beside the teacher by a log-in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.orm import Session
from websockets.exceptions import InvalidStatus

from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.policy import Role
from portal.interfaces import ConsoleKind
from portal.models import Account, LabSession, Seat, Student
from portal.services import login_sessions, seat_consoles
from portal.services.accounts import actor_of
from portal.site import Site
from tests.factories import make_account, make_host, make_lab_session, make_seat, make_student
from tests.factories.moments import NOW
from tests.live.conftest import Running, audited, serving
from tests.live.test_consoles import ending_of, read_until

KEYS = {"María": "key-of-maria", "Noor": "key-of-noor"}


@dataclass(frozen=True)
class Class:
    """Tom's class with María and Noor in it."""

    lab_session: LabSession
    seats: dict[str, Seat]
    tom: Account
    login_key: str


@pytest.fixture
def lesson(db: Session) -> Class:
    tom = make_account(db, "tom", role=Role.TEACHER)
    lab_session = make_lab_session(db, teacher=tom)
    host = make_host(db)
    seats = {
        name: make_seat(
            db, lab_session, number=number, student=make_student(db, lab_session, name, key=key), host_id=host.id
        )
        for number, (name, key) in enumerate(KEYS.items(), start=1)
    }
    login_key = login_sessions.open_session(db, account_id=tom.id, now=NOW)
    db.commit()
    return Class(lab_session, seats, tom, login_key)


def ticket_of(site: Site, lesson: Class, name: str, kind: ConsoleKind = ConsoleKind.SERIAL) -> str:
    with site.write_sessions.begin() as db:
        student = db.get_one(Student, lesson.seats[name].student_id)
        return seat_consoles.issue_for_student(
            db, student=student, key_hash=student.key_hash, machine="server", kind=kind, now=site.clock()
        )


def ticket_of_tom(site: Site, lesson: Class, *, view_only: bool) -> str:
    with site.write_sessions.begin() as db:
        return seat_consoles.issue_for_teacher(
            db,
            actor=actor_of(db.get_one(Account, lesson.tom.id)),
            login_session_hash=login_sessions.hash_of(lesson.login_key),
            seat_id=lesson.seats["María"].id,
            machine="server",
            kind=ConsoleKind.SERIAL,
            view_only=view_only,
            now=site.clock(),
        )


def sit(server: Running, ticket: str, *cookies: str) -> Any:
    return server.console(ticket, "", additional_headers={"Cookie": "; ".join(cookies)})


def seat_cookie(name: str) -> str:
    return f"vivero_seat={KEYS[name]}"


def test_a_student_types_into_the_machine_of_their_own_seat(site: Site, lesson: Class) -> None:
    async def scenario() -> None:
        async with serving(site) as server:
            for _ in range(2):
                async with sit(server, ticket_of(site, lesson, "María"), seat_cookie("María")) as console:
                    await console.send(b"uname -a")
                    assert await read_until(console, b"uname -a")

    asyncio.run(scenario())
    assert audited(site) == [("console.opened", "")]


@pytest.mark.parametrize("cookie", [seat_cookie("Noor"), "vivero_seat=guess", "vivero_session=key-of-maria", ""])
def test_a_ticket_is_worth_nothing_to_anybody_else(site: Site, lesson: Class, cookie: str) -> None:
    async def scenario() -> None:
        async with serving(site) as server:
            with pytest.raises(InvalidStatus, match="403"):
                await sit(server, ticket_of(site, lesson, "María"), cookie)

    asyncio.run(scenario())


def test_a_browser_with_both_cookies_is_whom_the_ticket_is_for(site: Site, lesson: Class) -> None:
    both = [f"vivero_session={lesson.login_key}", seat_cookie("Noor")]

    async def scenario() -> None:
        async with serving(site) as server:
            async with sit(server, ticket_of(site, lesson, "Noor"), *both) as console:
                await console.send(b"here")
                assert await read_until(console, b"here")
            async with sit(server, ticket_of_tom(site, lesson, view_only=False), *both) as console:
                await console.send(b"there")
                assert await read_until(console, b"there")

    asyncio.run(scenario())


def lock(lab_session: LabSession, seat: Seat) -> None:
    lab_session.locked = True


def end(lab_session: LabSession, seat: Seat) -> None:
    lab_session.move_to(LabSessionState.ENDED)


def begin_again(lab_session: LabSession, seat: Seat) -> None:
    seat.move_to(SeatState.BUILDING)


def give_away(lab_session: LabSession, seat: Seat) -> None:
    seat.student_id = None


@pytest.mark.parametrize(
    ("change", "ending"),
    [
        (lock, (4423, "turned")),
        (end, (4404, "class-over")),
        (begin_again, (4423, "turned")),
        (give_away, (4403, "not-allowed")),
    ],
)
def test_what_happens_to_the_class_reaches_open_consoles(
    site: Site, lesson: Class, change: Callable[[LabSession, Seat], None], ending: tuple[int, str]
) -> None:
    async def scenario() -> tuple[int, str]:
        async with (
            serving(site) as server,
            sit(server, ticket_of(site, lesson, "María"), seat_cookie("María")) as console,
        ):
            with site.write_sessions.begin() as db:
                change(db.get_one(LabSession, lesson.lab_session.id), db.get_one(Seat, lesson.seats["María"].id))
            return await ending_of(console)

    assert asyncio.run(scenario()) == ending


def test_while_the_class_is_locked_nothing_that_a_student_types_arrives(site: Site, lesson: Class) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(LabSession, lesson.lab_session.id).locked = True

    async def scenario() -> None:
        async with (
            serving(site) as server,
            sit(server, ticket_of(site, lesson, "María"), seat_cookie("María")) as console,
        ):
            await read_until(console, b"$ ")
            await console.send(b"rm -rf /")
            machine_id = lesson.seats["María"].machines[0].id
            await server.consoles.open_streams[machine_id, ConsoleKind.SERIAL].write(b"the end")
            assert b"rm -rf" not in await read_until(console, b"the end")

    asyncio.run(scenario())


def test_teacher_and_student_share_the_serial_line(site: Site, lesson: Class) -> None:
    tom = f"vivero_session={lesson.login_key}"

    async def scenario() -> None:
        async with (
            serving(site) as server,
            sit(server, ticket_of(site, lesson, "María"), seat_cookie("María")) as student,
        ):
            await student.send(b"help me")
            await read_until(student, b"help me")
            async with sit(server, ticket_of_tom(site, lesson, view_only=True), tom) as watching:
                assert await read_until(watching, b"help me")  # what was said before is shown to who comes later
                await watching.send(b"only looking")
                async with sit(server, ticket_of_tom(site, lesson, view_only=False), tom) as teacher:
                    await teacher.send(b"look here")
                    for console in (student, watching, teacher):
                        assert b"only looking" not in await read_until(console, b"look here")
            await student.send(b"thank you")
            assert await read_until(student, b"thank you")
            assert len(server.consoles.opened) == 1

    asyncio.run(scenario())


def test_a_line_that_everybody_left_is_opened_anew(site: Site, lesson: Class) -> None:
    async def scenario() -> None:
        async with serving(site) as server:
            for _ in range(3):
                async with sit(server, ticket_of(site, lesson, "María"), seat_cookie("María")) as console:
                    await read_until(console, b"$ ")
            assert len(server.consoles.opened) == 3

    asyncio.run(scenario())


def test_a_machine_that_stops_ends_the_line_for_everybody(site: Site, lesson: Class) -> None:
    tom = f"vivero_session={lesson.login_key}"

    async def scenario() -> list[tuple[int, str]]:
        async with (
            serving(site) as server,
            sit(server, ticket_of(site, lesson, "María"), seat_cookie("María")) as student,
            sit(server, ticket_of_tom(site, lesson, view_only=True), tom) as teacher,
        ):
            await read_until(student, b"$ ")
            await read_until(teacher, b"$ ")
            server.consoles.stop_machine(lesson.seats["María"].machines[0].id)
            return [await ending_of(student), await ending_of(teacher)]

    assert asyncio.run(scenario()) == [(4410, "machine-stopped")] * 2
