"""The teacher's board: how the seats stand, who is at which step, who asks for help; read in a few queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.labs import CheckBy, LabSpec, LabStep
from portal.core.lifecycle import KeepingState, SeatState, WorkflowState
from portal.models import Keeping, LabSession, OwnMachine, Seat, StepResult, Student, Workflow
from portal.services import keepings, own_machines, seats, workflows
from portal.services.class_readiness import minutes_left
from portal.services.lab_specs import spec_of
from portal.services.workflows import Progress

SHOWN_WORK = (*workflows.LIVE, WorkflowState.FAILED)
SHOWN = (SeatState.BUILDING, SeatState.READY, SeatState.TAKEN)


class Mark(StrEnum):
    """How a student stands with a step. `ASKED`: only the teacher's eyes are missing."""

    NOT_YET = "not_yet"
    HERE = "here"
    TRIED = "tried"
    ASKED = "asked"
    PASSED = "passed"


@dataclass(frozen=True)
class StepMark:
    step: LabStep
    mark: Mark
    tries: int
    hints: int
    said: str


@dataclass(frozen=True)
class Row:
    """A student with their seat, if they have one by now, and a mark for each step of the lab."""

    student: Student
    seat: Seat | None
    marks: tuple[StepMark, ...]

    @property
    def passed(self) -> int:
        return sum(mark.mark == Mark.PASSED for mark in self.marks)


@dataclass(frozen=True)
class Board:
    """`counts` are of living seats, by state. `work` is the class's newest work while it is under way or failed."""

    lab_session: LabSession
    spec: LabSpec
    seats: tuple[Seat, ...]
    failed: tuple[Seat, ...]
    rows: tuple[Row, ...]
    work: Progress | None
    minutes_left: int | None  # to the hour, while somebody waits for it
    keepings: tuple[Keeping, ...] = ()
    own_machines: tuple[OwnMachine, ...] = ()  # asked for from kept seats, the newest first

    @property
    def wishes(self) -> tuple[Keeping, ...]:
        """To keep a seat after the class, as long as they can be decided on."""
        asked = (KeepingState.ASKED, KeepingState.GRANTED, KeepingState.DECLINED)
        return tuple(one for one in self.keepings if one.state in asked)

    @property
    def kept(self) -> tuple[Keeping, ...]:
        """Seats that stay after the class, and those that are still being taken away."""
        return tuple(one for one in self.keepings if one.seat is not None and one.seat.state == SeatState.KEPT)

    def own_machines_of(self, keeping: Keeping) -> tuple[OwnMachine, ...]:
        return tuple(one for one in self.own_machines if one.keeping_id == keeping.id)

    def may_become_own(self, keeping: Keeping) -> bool:
        """While there is a machine of the seat for which nobody has an open request."""
        asked = {one.seat_machine_id for one in self.own_machines_of(keeping) if one.is_open}
        return keeping.seat is not None and any(machine.id not in asked for machine in keeping.seat.machines)

    @property
    def leaving(self) -> bool:
        """A kept seat is being taken away, so the page goes on asking."""
        return any(one.state == KeepingState.OVER for one in self.kept)

    def seat_number(self, keeping: Keeping) -> int | None:
        """Where the student sits now, or sat."""
        if keeping.seat is not None:
            return keeping.seat.number
        return next((row.seat.number for row in self.rows if row.seat and row.student.id == keeping.student_id), None)

    @property
    def counts(self) -> Mapping[SeatState, int]:
        return {state: sum(seat.state == state for seat in self.seats) for state in SHOWN}

    @property
    def usable(self) -> int:
        return self.counts[SeatState.READY] + self.counts[SeatState.TAKEN]

    @property
    def free(self) -> tuple[Seat, ...]:
        return tuple(seat for seat in self.seats if seat.student_id is None)

    @property
    def hands(self) -> tuple[Row, ...]:
        """In the order in which they were raised."""
        raised = [row for row in self.rows if row.student.hand_at is not None]
        return tuple(sorted(raised, key=raised_at))


@dataclass(frozen=True)
class Tile:
    """One screen on the wall."""

    seat: Seat
    machine: str
    student: str


def raised_at(row: Row) -> datetime:
    assert row.student.hand_at is not None  # noqa: S101 - only raised hands are sorted
    return row.student.hand_at


def board_of(db: Session, lab_session: LabSession, now: datetime) -> Board:
    spec = spec_of(lab_session.lab_version)
    rows = seats.seats_of(db, lab_session.id)
    students = list(
        db.scalars(select(Student).where(Student.lab_session_id == lab_session.id).order_by(Student.joined_at))
    )
    asked = keepings.of_class(db, lab_session.id)
    kept = any(keeping.seat_id is not None for keeping in asked)
    work = workflows.progress_of(db, lab_session.workflow_id, now) if lab_session.workflow_id else None
    by_student = {seat.student_id: seat for seat in rows if seat.student_id}
    results = results_of(db, lab_session.id)
    return Board(
        lab_session=lab_session,
        spec=spec,
        seats=tuple(seat for seat in rows if seat.state in SHOWN),
        failed=tuple(seat for seat in rows if seat.state == SeatState.REPLACED),
        rows=tuple(
            Row(student, by_student.get(student.id), marks_of(spec, student, results.get(student.id, {})))
            for student in students
        ),
        work=work if work is not None and work.state in SHOWN_WORK else None,
        keepings=tuple(asked),
        own_machines=tuple(own_machines.of_class(db, lab_session.id)) if kept else (),
        minutes_left=minutes_left(lab_session, now),
    )


def results_of(db: Session, lab_session_id: UUID) -> dict[UUID, dict[str, StepResult]]:
    query = select(StepResult).join(Student, Student.id == StepResult.student_id)
    found: dict[UUID, dict[str, StepResult]] = {}
    for result in db.scalars(query.where(Student.lab_session_id == lab_session_id)):
        found.setdefault(result.student_id, {})[result.step] = result
    return found


def marks_of(spec: LabSpec, student: Student, results: Mapping[str, StepResult]) -> tuple[StepMark, ...]:
    return tuple(mark_of(step, student, results.get(step.slug)) for step in spec.steps)


def mark_of(step: LabStep, student: Student, result: StepResult | None) -> StepMark:
    if result is None:
        here = student.step == step.slug
        return StepMark(step, Mark.HERE if here else Mark.NOT_YET, 0, 0, "")
    return StepMark(step, kind_of(step, student, result), result.tries, result.hints, result.said)


def kind_of(step: LabStep, student: Student, result: StepResult) -> Mark:
    if result.stands:
        return Mark.PASSED
    if result.is_tried and any(check.by == CheckBy.TEACHER for check in step.checks):
        return Mark.ASKED
    if result.is_tried:
        return Mark.TRIED
    return Mark.HERE if student.step == step.slug else Mark.NOT_YET


def stuck_steps(rows: Sequence[Row]) -> dict[str, int]:
    """How many students tried a step and have not passed it yet."""
    found: dict[str, int] = {}
    for row in rows:
        for mark in row.marks:
            if mark.mark in (Mark.TRIED, Mark.ASKED):
                found[mark.step.slug] = found.get(mark.step.slug, 0) + 1
    return found


def tiles_of(db: Session, lab_session: LabSession) -> list[Tile]:
    """The screens of the students' machines; before anybody is there, those of all seats."""
    query = select(Student.id, Student.name).where(Student.lab_session_id == lab_session.id)
    names = {row.id: row.name for row in db.execute(query)}
    tiles = [
        Tile(seat, machine.name, names.get(seat.student_id, "") if seat.student_id else "")
        for seat in seats.seats_of(db, lab_session.id, (SeatState.TAKEN, SeatState.READY))
        for machine in seat.machines
    ]
    taken = [tile for tile in tiles if tile.student]
    return taken or tiles


def seen_of(board: Board) -> str:
    """Changes with everything that the board shows, but for the screens, which are asked for by themselves."""
    work = f"{board.work.workflow_id}.{board.work.revision}" if board.work else ""
    return f"{board.lab_session.revision}.{work}.{board.minutes_left}"


def seen_now(db: Session, lab_session: LabSession, now: datetime) -> str:
    """The same, without reading the board: pages ask every two seconds, and mostly nothing is new."""
    workflow = db.get(Workflow, lab_session.workflow_id) if lab_session.workflow_id else None
    work = f"{workflow.id}.{workflow.revision}" if workflow is not None and workflow.state in SHOWN_WORK else ""
    return f"{lab_session.revision}.{work}.{minutes_left(lab_session, now)}"


def are_several(tiles: Sequence[Tile]) -> bool:
    """Whether seats have more than one machine, so that each screen needs its name."""
    return len({tile.machine for tile in tiles}) > 1
