"""Looks whether a step of a lab is done: inside the guests, from the seat's network, or by the teacher's eyes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import (
    N_,
    Conflict,
    GuestSilent,
    MachineMissing,
    NotFound,
    OutsideUnavailable,
    Phrase,
    PortalError,
    inner,
)
from portal.core.labs import Check, CheckBy, LabSpec, LabStep
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.templates import Words
from portal.interfaces import Doors, HostAddress, Hypervisor
from portal.models import LabSession, Seat, Student
from portal.services import seats, students
from portal.services.seat_designs import door_name

SHELL = "/bin/sh"
UMASK = "umask 022\n"  # an agent's own is so narrow that a web server could not read what a script writes
SOLUTION_TIMEOUT_S = 120.0
LONGEST_SAID = 300
PAUSE = timedelta(seconds=1)  # between two tries of one student
SILENT = Words(
    es="La máquina no responde. Espere un momento y compruebe otra vez; si sigue igual, levante la mano.",
    en="The machine does not answer. Wait a moment and check again; if it stays so, raise your hand.",
)
NOT_RUN = N_("Its solution could not be run: %(reason)s")
NOT_SOLVED = N_("Its solution ended with %(code)s: %(said)s")
WAITS = Words(es="Su docente mira este paso y lo confirma.", en="Your teacher looks at this step and confirms it.")


@dataclass(frozen=True)
class Eyes:
    """What checks look with."""

    hypervisor: Hypervisor
    doors: Doors


@dataclass(frozen=True)
class Place:
    """Where a seat is: its host, and its machines' ids by their names in the lab."""

    host: HostAddress
    seat_id: UUID
    machines: Mapping[str, UUID]


@dataclass(frozen=True)
class Try:
    """What is to be looked at, and in which language its student reads."""

    step: LabStep
    place: Place
    locale: str


@dataclass(frozen=True)
class CheckOutcome:
    """`messages` are for the student, in their language. A step that waits for the teacher has not passed yet."""

    passed: bool
    messages: tuple[str, ...] = ()
    waits_for_teacher: bool = False


@dataclass(frozen=True)
class Sight:
    """What a look at a step showed, in both languages."""

    passed: bool
    said: Words | None = None
    waits_for_teacher: bool = False


def step_of(spec: LabSpec, slug: str) -> LabStep:
    step = spec.step(slug)
    if step is None:
        raise NotFound(N_("This lab has no such step."))
    return step


def begin_try(db: Session, student_id: UUID, step: str, now: datetime) -> Try:
    """Raises Conflict while there is nothing to check, and NotFound for a step that the lab does not have."""
    student = db.get_one(Student, student_id)
    lab_session = db.get_one(LabSession, student.lab_session_id)
    wanted = step_of(students.spec_of(lab_session), step)
    seat = seats.seat_of(db, student.id)
    kept = seat is not None and seat.state == SeatState.KEPT
    if lab_session.state not in (LabSessionState.READY, LabSessionState.RUNNING) and not kept:
        raise Conflict(N_("The class is not on."))
    if seat is None or seat.state not in (SeatState.TAKEN, SeatState.KEPT):
        raise Conflict(N_("Your machines are being prepared. Check again when they are ready."))
    result = students.result_for(db, student, step, now)
    if result.tried_at is not None and result.tried_at > now - PAUSE:
        raise Conflict(N_("This was checked just now. Please wait a moment."))
    result.tried_at = now
    return Try(wanted, place_of(seat), student.locale)


def place_of(seat: Seat) -> Place:
    if seat.host is None:
        raise Conflict(N_("Your machines are being prepared. Check again when they are ready."))
    return Place(seat.host.reached_at, seat.id, {machine.name: machine.id for machine in seat.machines})


def note_try(db: Session, student_id: UUID, step: str, outcome: CheckOutcome, now: datetime) -> None:
    student = db.get_one(Student, student_id)
    result = students.result_for(db, student, step, now)
    result.tries += 1
    result.said = " ".join(outcome.messages)[:1000]
    if outcome.passed:
        result.passed_at, result.again = result.passed_at or now, False
    seats.bump(db, student.lab_session_id)


def look(eyes: Eyes, step: LabStep, place: Place, locale: str) -> CheckOutcome:
    sight = look_at(eyes, step, place)
    messages = (sight.said.read(locale),) if sight.said is not None else ()
    return CheckOutcome(sight.passed, messages, sight.waits_for_teacher)


def look_at(eyes: Eyes, step: LabStep, place: Place) -> Sight:
    """All checks of a step, in their order, up to the first that does not pass."""
    waits = False
    for check in step.checks:
        if check.by == CheckBy.TEACHER:
            waits = True
            continue
        said = try_check(eyes, check, place)
        if said is not None:
            return Sight(False, said)
    return Sight(False, WAITS, waits_for_teacher=True) if waits else Sight(True)


def try_check(eyes: Eyes, check: Check, place: Place) -> Words | None:
    """None if it passes, else what the student is told. Tried as often as the lab says."""
    said: Words | None = None
    for _ in range(check.tries):
        try:
            said = look_once(eyes, check, place)
        except (GuestSilent, MachineMissing, OutsideUnavailable):
            said = SILENT
        if said is None:
            return None
    return said


def look_once(eyes: Eyes, check: Check, place: Place) -> Words | None:
    message = check.message
    machine_id = place.machines.get(check.machine)
    if machine_id is None:
        return message
    if check.by == CheckBy.AGENT:
        answer = eyes.hypervisor.run_in_guest(place.host, machine_id, in_shell(check.script), timeout_s=check.timeout_s)
        return None if answer.exit_code == 0 else with_fact(message, last_line(answer.output))
    if check.by == CheckBy.SERIAL:
        return None if re.search(check.pattern, eyes.hypervisor.serial_log(place.host, machine_id)) else message
    door = door_name(check.machine, check.port)
    if check.by == CheckBy.TCP:
        return None if eyes.doors.probe(place.host, place.seat_id, door, timeout_s=check.timeout_s) else message
    page = eyes.doors.get(place.host, place.seat_id, door, path=check.path, timeout_s=check.timeout_s)
    right = page.open and page.status == check.status and re.search(check.pattern, page.body)
    return None if right else message


def in_shell(script: str) -> tuple[str, str, str]:
    return (SHELL, "-c", UMASK + script)


def solve(eyes: Eyes, step: LabStep, place: Place) -> Phrase | None:
    """Run a step's reference solution; what went wrong with it, or nothing."""
    for solution in step.solutions:
        try:
            machine_id = place.machines[solution.machine]
            answer = eyes.hypervisor.run_in_guest(
                place.host, machine_id, in_shell(solution.script), timeout_s=SOLUTION_TIMEOUT_S
            )
        except PortalError as error:
            return Phrase(NOT_RUN, {"reason": inner(error.message, error.params)})
        if answer.exit_code != 0:
            return Phrase(NOT_SOLVED, {"code": answer.exit_code, "said": last_line(answer.output)})
    return None


def with_fact(message: Words, fact: str) -> Words:
    """What is missing, in the student's language, and what the script saw there, which is in none."""
    return Words(es=f"{message.es} ({fact})", en=f"{message.en} ({fact})") if fact else message


def last_line(output: str) -> str:
    """What a check's script saw: its last line that is not empty."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:LONGEST_SAID] if lines else ""


def confirm(db: Session, *, student: Student, step: str, now: datetime) -> None:
    """The teacher has looked and the step is done."""
    result = students.result_for(db, student, step, now)
    if not result.stands:
        result.passed_at, result.again = result.passed_at or now, False
        result.said = ""
        seats.bump(db, student.lab_session_id)
