"""What a student sees of the class: where they are, their step of the guide, and what changed since the last look."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from markupsafe import Markup

from portal.core.labs import CheckBy, LabMachine, LabSpec, LabStep
from portal.core.lifecycle import KeepingState, LabSessionState, SeatState
from portal.models import Keeping, LabSession, Seat, StepResult, Student
from portal.services import keeping_holds, keepings, seats, students, workflows
from portal.services.keeping_notices import TOLD_BEFORE
from portal.services.workflows import Progress
from portal.web.context import db, now, student
from portal.web.guides import GuidePage, StepPage, guide_of
from portal.web.languages import current_language


class Phase(StrEnum):
    EARLY = "early"  # the class has not begun
    WAITING = "waiting"  # for machines
    SEATED = "seated"
    KEPT = "kept"  # the class is over, and the own seat is there


@dataclass(frozen=True)
class StepView:
    """One step of the guide as this student has it. `hints` are those that were opened."""

    number: int
    step: LabStep
    page: StepPage
    result: StepResult | None

    @property
    def slug(self) -> str:
        return self.step.slug

    @property
    def passed(self) -> bool:
        return self.result is not None and self.result.stands

    @property
    def hints(self) -> tuple[Markup, ...]:
        return self.page.hints[: self.result.hints if self.result else 0]

    @property
    def hints_left(self) -> int:
        return len(self.page.hints) - len(self.hints)

    @property
    def said(self) -> str:
        """What the last check said, while it has not passed."""
        return self.result.said if self.result and self.result.tried_at and not self.passed else ""

    @property
    def tried(self) -> bool:
        return self.result is not None and self.result.tried_at is not None and not self.passed

    @property
    def only_teacher(self) -> bool:
        return bool(self.step.checks) and all(check.by == CheckBy.TEACHER for check in self.step.checks)


@dataclass(frozen=True)
class Marks:
    """A short sign for each part of the page: the page sends back what it shows, and gets only what differs."""

    phase: str
    banners: str
    hand: str
    guide: str

    def __str__(self) -> str:
        return f"{self.phase}.{self.banners}.{self.hand}.{self.guide}"


@dataclass(frozen=True)
class ClassView:
    student: Student
    lab_session: LabSession
    spec: LabSpec
    seat: Seat | None
    guide: GuidePage
    steps: tuple[StepView, ...]
    now: datetime
    keeping: Keeping | None = None
    wanted: tuple[str, ...] = ()  # machines whose disks were asked for as own machines

    @property
    def phase(self) -> Phase:
        return phase_of(self.lab_session, self.seat)

    @property
    def here(self) -> StepView:
        return next((step for step in self.steps if step.slug == self.student.step), self.steps[0])

    @property
    def before(self) -> StepView | None:
        return self.steps[self.here.number - 2] if self.here.number > 1 else None

    @property
    def after(self) -> StepView | None:
        return self.steps[self.here.number] if self.here.number < len(self.steps) else None

    @property
    def passed(self) -> int:
        return sum(step.passed for step in self.steps)

    @property
    def machines(self) -> tuple[LabMachine, ...]:
        return self.spec.machines

    @property
    def is_kept(self) -> bool:
        return self.phase == Phase.KEPT

    @property
    def ends_soon(self) -> bool:
        """A kept seat is gone within a day."""
        until_at = self.keeping.until_at if self.is_kept and self.keeping else None
        return until_at is not None and until_at - self.now <= TOLD_BEFORE

    @property
    def restart(self) -> Progress | None:
        """The work that brings the seat to the step at which it begins again, while it goes on."""
        return restart_of(self.seat)

    @property
    def marks(self) -> Marks:
        results = {step.slug: step.result for step in self.steps if step.result}
        return marks_of(self.student, self.lab_session, self.seat, results, self.keeping, self.wanted)


def phase_of(lab_session: LabSession, seat: Seat | None) -> Phase:
    if lab_session.state in (LabSessionState.BOOKED, LabSessionState.PREPARING):
        return Phase.EARLY
    if seat is not None and seat.state == SeatState.KEPT:
        return Phase.KEPT
    return Phase.SEATED if seat is not None and seat.state == SeatState.TAKEN else Phase.WAITING


def present_marks() -> Marks:
    """As of the whole view, but without reading lab and guide: asked by every student every few seconds."""
    seated = student()
    lab_session = students.class_with(db(), seated)
    results, keeping = students.results_of(db(), seated), keepings.of_student(db(), seated.id)
    return marks_of(seated, lab_session, seats.seat_of(db(), seated.id), results, keeping, wanted_of(keeping))


def marks_of(
    student: Student,
    lab_session: LabSession,
    seat: Seat | None,
    results: Mapping[str, StepResult],
    keeping: Keeping | None,
    wanted: tuple[str, ...],
) -> Marks:
    phase = phase_of(lab_session, seat)
    place = (seat.id, seat.resets, restarted(seat)) if seat else None
    done = sorted((step, row.hints, row.tries, row.stands) for step, row in results.items())
    here = seat is not None and (seat.teacher_here, seat.trouble)
    until = keeping.until_at if keeping is not None and phase == Phase.KEPT else None
    return Marks(
        phase=sign_of(phase, place, lab_session.state if phase == Phase.EARLY else ""),
        banners=sign_of(
            lab_session.notice, lab_session.notice_at, lab_session.locked, lab_session.ends_at, here, until, wanted
        ),
        hand=sign_of(student.hand, keeping and (keeping.state, keeping.until_at)),
        guide=sign_of(student.step, done),
    )


def restarted(seat: Seat) -> tuple[str, int] | None:
    """How far a seat is on its way to the step at which it begins again."""
    work = restart_of(seat)
    return (work.step, work.done) if work else None


def restart_of(seat: Seat | None) -> Progress | None:
    if seat is None or seat.state != SeatState.BUILDING or not seat.begin_at_step:
        return None
    return workflows.work_on(db(), seat.id, now())


def sign_of(*parts: object) -> str:
    return f"{zlib.crc32(repr(parts).encode()):08x}"


def view_of_class() -> ClassView:
    """Of the student behind this browser."""
    seated = student()
    lab_session = students.class_with(db(), seated)
    spec = students.spec_of(lab_session)
    guide = guide_of(spec, current_language())
    results = students.results_of(db(), seated)
    steps = tuple(
        StepView(number, step, guide.step(step.slug) or unwritten(step), results.get(step.slug))
        for number, step in enumerate(spec.steps, start=1)
    )
    seat, keeping = seats.seat_of(db(), seated.id), keepings.of_student(db(), seated.id)
    return ClassView(seated, lab_session, spec, seat, guide, steps, now(), keeping, wanted_of(keeping))


def wanted_of(keeping: Keeping | None) -> tuple[str, ...]:
    if keeping is None or keeping.state != KeepingState.KEPT:
        return ()
    return tuple(sorted(one.machine.name for one in keeping_holds.open_of(db(), keeping.id)))


def unwritten(step: LabStep) -> StepPage:
    """A step that a guide forgot; labs are checked for that, so it only must not break the page."""
    return StepPage(step.slug, step.title.read(current_language()), Markup(), ())
