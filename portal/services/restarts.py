"""Beginning again at a step: how far back or on somebody may go, and what is to be done anew afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotFound
from portal.core.labs import LabStep
from portal.core.policy import Actor
from portal.interfaces import WorkflowQueue
from portal.models import LabSession, Seat, StepResult, Student, Workflow
from portal.services import seats, students


def begin_again(
    db: Session, *, seat: Seat, by: Actor | None, queue: WorkflowQueue, now: datetime, step: str = ""
) -> Workflow:
    """Make the seat anew and bring it to the beginning of `step`; without one it stays at its own beginning.

    `by` is None when its student asked, who goes no further than they have come. Raises Conflict for more.
    """
    student = db.get(Student, seat.student_id) if seat.student_id else None
    if not step:
        return seats.ask_reset(db, seat=seat, by=by, queue=queue, now=now)
    if student is None:
        raise Conflict(N_("Nobody sits here yet: this seat is at the beginning."))
    steps = students.spec_of(students.class_with(db, student)).steps
    if step not in {one.slug for one in steps}:
        raise NotFound(N_("This lab has no such step."))
    if by is None and step not in {one.slug for one in reached(db, student)}:
        raise Conflict(N_("You have not come to this step yet."))
    workflow = seats.ask_reset(db, seat=seat, by=by, queue=queue, now=now, step=step)
    do_anew(db, student, step, now)
    return workflow


def reached(db: Session, student: Student) -> tuple[LabStep, ...]:
    """The steps up to the one after the last that the student ever passed, or up to where the class was brought.

    Opening a step in the guide reaches nothing: everybody may read on.
    """
    lab_session = students.class_with(db, student)
    return reached_of(lab_session, students.spec_of(lab_session).steps, students.results_of(db, student))


def reached_of(
    lab_session: LabSession, steps: Sequence[LabStep], results: Mapping[str, StepResult]
) -> tuple[LabStep, ...]:
    far = 1
    for number, step in enumerate(steps, start=1):
        result = results.get(step.slug)
        if result is not None and result.passed_at is not None:
            far = number + 1
        if step.slug == lab_session.catch_up_step:
            far = max(far, number)
    return tuple(steps[:far])


def do_anew(db: Session, student: Student, step: str, now: datetime) -> None:
    """The guide opens at this step, and from it on nothing is done any more; what ever passed stays for the report."""
    slugs = [one.slug for one in students.spec_of(students.class_with(db, student)).steps]
    later = slugs[slugs.index(step) :]
    students.open_step(db, student, step, now)
    for slug, result in students.results_of(db, student).items():
        if slug in later:
            result.begin_again()
    seats.bump(db, student.lab_session_id)
