"""Seats of a class: their rows, who sits where, and the ways a seat begins again or is replaced by a spare one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.policy import Actor
from portal.interfaces import WorkflowQueue
from portal.models import LabSession, Seat, SeatMachine, Student, Workflow
from portal.services import workflows
from portal.services.audit import Subject, record
from portal.services.seat_designs import SeatDesign, order_of

USABLE = (LabSessionState.READY, LabSessionState.RUNNING)
TAKE_ATTEMPTS = 50  # of taking a seat, when a whole class comes in at the same moment


def bump(db: Session, lab_session_id: UUID) -> None:
    """Tell the live pages of a class that something changed."""
    db.execute(update(LabSession).where(LabSession.id == lab_session_id).values(revision=LabSession.revision + 1))


def held_session(db: Session, lab_session_id: UUID) -> LabSession:
    """The class as it is now, and nobody else changes it until the transaction ends."""
    return db.get_one(LabSession, lab_session_id, with_for_update={"of": LabSession}, populate_existing=True)


def seats_of(db: Session, lab_session_id: UUID, states: Collection[SeatState] = tuple(SeatState)) -> list[Seat]:
    query = select(Seat).where(Seat.lab_session_id == lab_session_id, Seat.state.in_(states))
    return list(db.scalars(query.order_by(Seat.number)))


def seat_numbered(
    db: Session, lab_session_id: UUID, number: int, states: Collection[SeatState] = tuple(SeatState)
) -> Seat | None:
    """That seat of the class alone: a wall of pictures asks for each by itself."""
    query = select(Seat).where(Seat.lab_session_id == lab_session_id, Seat.number == number, Seat.state.in_(states))
    return db.scalars(query).first()


def seat_of(db: Session, student_id: UUID) -> Seat | None:
    """Where the student sits now."""
    return db.scalars(select(Seat).where(Seat.student_id == student_id)).first()


def machine_of(seat: Seat, name: str) -> SeatMachine | None:
    """By its name in the lab."""
    return next((machine for machine in seat.machines if machine.name == name), None)


def machines_in(db: Session, seat_id: UUID) -> list[SeatMachine]:
    return list(db.scalars(select(SeatMachine).where(SeatMachine.seat_id == seat_id).order_by(SeatMachine.position)))


def add_seats(db: Session, lab_session: LabSession, design: SeatDesign, numbers: Iterable[int], now: datetime) -> None:
    """Rows for these numbers, without a host yet. Those that are there stay as they are."""
    known = {seat.number for seat in seats_of(db, lab_session.id)}
    for number in numbers:
        if number in known:
            continue
        order = order_of(design, owner_id=lab_session.id, number=number)
        db.add(Seat(id=order.seat_id, lab_session_id=lab_session.id, number=number, made_at=now))
        db.flush()
        for position, (part, machine) in enumerate(zip(design.parts, order.machines, strict=True)):
            db.add(
                SeatMachine(
                    id=machine.vm_id,
                    seat_id=order.seat_id,
                    position=position,
                    name=part.machine.name,
                    domain_name=machine.name,
                    template_version_id=part.version.id,
                    vcpus=machine.vcpus,
                    memory_mib=machine.memory_mib,
                    disk_gib=machine.disk_gib,
                )
            )
    db.flush()


def take_seat(db: Session, *, lab_session: LabSession, student: Student, now: datetime) -> Seat | None:
    """The seat that the student has, or the free one with the lowest number; None while none is ready.

    By compare-and-swap: of two who come at once, each gets one of their own.
    """
    seat = seat_of(db, student.id)
    if seat is not None:
        return seat
    if lab_session.state not in USABLE:
        return None
    for _ in range(TAKE_ATTEMPTS):
        free = select(Seat.id).where(
            Seat.lab_session_id == lab_session.id, Seat.state == SeatState.READY, Seat.student_id.is_(None)
        )
        seat_id = db.scalars(free.order_by(Seat.number).limit(1)).first()
        if seat_id is None:
            return None
        taken = db.execute(
            update(Seat)
            .where(Seat.id == seat_id, Seat.state == SeatState.READY, Seat.student_id.is_(None))
            .values(state=SeatState.TAKEN, student_id=student.id)
        )
        assert isinstance(taken, CursorResult)  # noqa: S101 - an UPDATE has a row count
        if taken.rowcount == 1:
            bump(db, lab_session.id)
            return db.get(Seat, seat_id, populate_existing=True)
    return None


def ask_reset(
    db: Session, *, seat: Seat, by: Actor | None, queue: WorkflowQueue, now: datetime, step: str = ""
) -> Workflow:
    """Throw the seat's machines away and make them anew. `by` is None when its student asked.

    `step` is where they are brought afterwards; services/restarts.py says who may ask for which.

    Raises Conflict when the seat is not in use, or is being made at this moment.
    """
    lock_seat(db, seat)
    if seat.state == SeatState.KEPT:
        raise Conflict(N_("This seat is kept as it is: it does not begin again."))
    if seat.state not in (SeatState.READY, SeatState.TAKEN):
        raise Conflict(N_("This seat is being prepared already. Please wait a moment."))
    workflow = workflows.begin(db, kind="reset_seat", subject_id=seat.id, queue=queue, now=now)
    seat.begin_at_step = step
    seat.move_to(SeatState.BUILDING)
    seat.begun_at, seat.ready_at, seat.resets = now, None, seat.resets + 1
    note(db, seat, "seat.reset", by=by, now=now, **({"step": step} if step else {}))
    bump(db, seat.lab_session_id)
    return workflow


def forget_trouble(db: Session, student: Student) -> None:
    """The student has read what was told about the seat."""
    seat = seat_of(db, student.id)
    if seat is not None and seat.trouble:
        seat.trouble, seat.trouble_params = "", {}
        bump(db, seat.lab_session_id)


def lock_seat(db: Session, seat: Seat) -> None:
    """Until the transaction ends nobody else begins anything on this seat."""
    db.flush()
    db.refresh(seat, with_for_update={"of": Seat})


def note(db: Session, seat: Seat, action: str, *, by: Actor | None, now: datetime, **more: object) -> None:
    lab_session = db.get_one(LabSession, seat.lab_session_id)
    student = db.get(Student, seat.student_id) if seat.student_id else None
    details = {"seat": seat.number, **({"student": student.name} if student else {}), **more}
    record(db, actor=by, action=action, subject=subject_of(lab_session), now=now, details=details)


def subject_of(lab_session: LabSession) -> Subject:
    return Subject("lab_session", str(lab_session.id), lab_session.lab_slug, lab_session.department_id)


def replace_seat(db: Session, seat: Seat, trouble: str, params: dict[str, object], now: datetime) -> Seat | None:
    """This seat failed: whoever sits there moves to a free one, if there is one. Returns the seat they have now."""
    student = db.get(Student, seat.student_id) if seat.student_id else None
    seat.student_id = None
    seat.move_to(SeatState.REPLACED, trouble=trouble, params=params)
    seat.replaced_at = now
    db.flush()
    bump(db, seat.lab_session_id)
    if student is None:
        return None
    lab_session = db.get_one(LabSession, seat.lab_session_id)
    return take_seat(db, lab_session=lab_session, student=student, now=now)
