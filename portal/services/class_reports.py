"""What became of a class: who came, how far they got, what the seats did, and the proof that nothing was left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from statistics import median
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core import class_advice
from portal.core.class_advice import ClassFigures, StepFigures
from portal.core.errors import N_, Conflict, Phrase
from portal.core.labs import LabSpec, LabStep
from portal.core.lifecycle import LabSessionState
from portal.core.policy import Actor
from portal.core.seat_signs import Traits
from portal.models import LabSession, Seat, StepResult, Student
from portal.services import boards, lab_sessions, seat_signs, seats
from portal.services.class_seats import (
    Proof,
    SeatsReport,
    SignTime,
    StartUps,
    proof_of,
    seats_report,
    sign_times_of,
    start_ups_of,
)
from portal.services.lab_specs import spec_of

REPORTED = (LabSessionState.RUNNING, LabSessionState.ENDED)


@dataclass(frozen=True)
class StudentStep:
    """How one student did at a step; `took` is from opening it to passing it."""

    step: LabStep
    result: StepResult | None

    @property
    def passed(self) -> bool:
        return self.result is not None and self.result.passed_at is not None

    @property
    def took(self) -> timedelta | None:
        if self.result is None or self.result.passed_at is None:
            return None
        return self.result.passed_at - self.result.begun_at


@dataclass(frozen=True)
class Attendance:
    """One student. `name` is None once it was forgotten (services/retention.py)."""

    name: str | None
    seat: int | None
    resets: int
    came_at: datetime
    stayed: timedelta
    steps: tuple[StudentStep, ...]

    @property
    def passed(self) -> int:
        return sum(step.passed for step in self.steps)

    @property
    def tries(self) -> int:
        return sum(step.result.tries for step in self.steps if step.result)

    @property
    def hints(self) -> int:
        return sum(step.result.hints for step in self.steps if step.result)


@dataclass(frozen=True)
class StepReport:
    """A step over all students. `median` is of those who passed it."""

    number: int
    step: LabStep
    begun: int
    passed: int
    tries: int
    hints: int
    median: timedelta | None

    @property
    def figures(self) -> StepFigures:
        minutes = self.median.total_seconds() / 60 if self.median is not None else None
        checked = bool(self.step.checks)
        return StepFigures(self.number, self.begun, self.passed, self.tries, self.hints, minutes, checked)


@dataclass(frozen=True)
class ClassReport:
    lab_session: LabSession
    spec: LabSpec
    students: tuple[Attendance, ...]
    steps: tuple[StepReport, ...]
    seats: SeatsReport
    start_ups: tuple[StartUps, ...]
    sign_times: tuple[SignTime, ...]
    traits: Traits
    proof: Proof | None

    @property
    def is_final(self) -> bool:
        return self.lab_session.state == LabSessionState.ENDED

    @property
    def planned(self) -> timedelta:
        return self.lab_session.ends_at - self.lab_session.starts_at

    @cached_property
    def advice(self) -> tuple[Phrase, ...]:
        return class_advice.advice(figures_of(self))


def report_of(db: Session, *, actor: Actor, lab_session_id: UUID) -> ClassReport:
    """For who teaches the class or manages labs; to others it is not there. Raises Conflict before it has begun."""
    lab_session = lab_sessions.get(db, actor=actor, lab_session_id=lab_session_id)
    if lab_session.state not in REPORTED:
        raise Conflict(N_("There is a report as soon as the class has begun."))
    spec = spec_of(lab_session.lab_version)
    rows = seats.seats_of(db, lab_session.id)
    students = attendance_of(db, lab_session, spec, rows)
    return ClassReport(
        lab_session=lab_session,
        spec=spec,
        students=students,
        steps=tuple(step_report(number, step, students) for number, step in enumerate(spec.steps, start=1)),
        seats=seats_report(lab_session, rows),
        start_ups=start_ups_of(rows),
        sign_times=sign_times_of(rows),
        traits=seat_signs.traits_of(db, spec),
        proof=proof_of(db, lab_session.id),
    )


def attendance_of(db: Session, lab_session: LabSession, spec: LabSpec, rows: Sequence[Seat]) -> tuple[Attendance, ...]:
    query = select(Student).where(Student.lab_session_id == lab_session.id).order_by(Student.joined_at, Student.name)
    results, by_student = boards.results_of(db, lab_session.id), {seat.student_id: seat for seat in rows}
    return tuple(
        attendance(student, by_student.get(student.id), spec, results.get(student.id, {}))
        for student in db.scalars(query)
    )


def attendance(student: Student, seat: Seat | None, spec: LabSpec, results: Mapping[str, StepResult]) -> Attendance:
    return Attendance(
        name=student.name or None,
        seat=seat.number if seat else None,
        resets=seat.resets if seat else 0,
        came_at=student.joined_at,
        stayed=max(student.seen_at - student.joined_at, timedelta(0)),
        steps=tuple(StudentStep(step, results.get(step.slug)) for step in spec.steps),
    )


def step_report(number: int, step: LabStep, students: Iterable[Attendance]) -> StepReport:
    own = [student.steps[number - 1] for student in students]
    begun = [one.result for one in own if one.result is not None]
    times = [one.took for one in own if one.took is not None]
    return StepReport(
        number=number,
        step=step,
        begun=len(begun),
        passed=sum(one.passed for one in own),
        tries=sum(result.tries for result in begun),
        hints=sum(result.hints for result in begun),
        median=timedelta(seconds=median(time.total_seconds() for time in times)) if times else None,
    )


def figures_of(report: ClassReport) -> ClassFigures:
    cold = [one for one in report.start_ups if not one.warm]
    return ClassFigures(
        booked=report.seats.booked,
        came=len(report.students),
        planned_minutes=round(report.planned.total_seconds() / 60),
        steps=tuple(step.figures for step in report.steps),
        usable=report.seats.made,
        failed=report.seats.failed,
        resets=report.seats.resets,
        cold=sum(len(one.seconds) for one in cold),
        slowest_s=round(max((second for one in cold for second in one.seconds), default=0)),
        through_after=through_after(report),
    )


def through_after(report: ClassReport) -> int | None:
    """Minutes until the last of all had passed the last step that is checked; None if somebody has not."""
    checked = [step.slug for step in report.spec.steps if step.checks]
    own = [one for student in report.students for one in student.steps if one.step.slug in checked]
    times = [one.result.passed_at for one in own if one.result is not None and one.result.passed_at is not None]
    if not own or len(times) < len(own):
        return None
    begun = report.lab_session.opened_at or report.lab_session.starts_at
    return max(round((max(times) - begun).total_seconds() / 60), 0)
