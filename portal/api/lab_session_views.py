"""Classes and seats as the API shows them to those who teach."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.api.context import now
from portal.api.languages import said
from portal.api.schemas.lab_sessions import (
    ApprovalOut,
    LabSessionDetailOut,
    LabSessionOut,
    SeatOut,
    SeatSignOut,
    StudentOut,
)
from portal.core.seat_signs import Traits
from portal.models import LabSession, Seat, Student
from portal.services import boards, seat_signs, seats
from portal.services.class_readiness import ALIVE, seat_readiness
from portal.services.lab_specs import spec_of


def lab_session_out(lab_session: LabSession) -> LabSessionOut:
    return LabSessionOut(**fields_of(lab_session))


def fields_of(lab_session: LabSession) -> dict[str, Any]:
    return {
        "id": lab_session.id,
        "state": lab_session.state,
        "lab": lab_session.lab_slug,
        "lab_version": lab_session.lab_version.version,
        "starts_at": lab_session.starts_at,
        "ends_at": lab_session.ends_at,
        "room": lab_session.room,
        "department": lab_session.department.slug,
        "teacher": lab_session.teacher.name,
        "join_code": lab_session.join_code,
        "seats_booked": lab_session.seats,
        "spares": lab_session.spares,
        "prepare_at": lab_session.prepare_at,
        "opened_at": lab_session.opened_at,
        "ended_at": lab_session.ended_at,
        "locked": lab_session.locked,
        "only_listed": lab_session.only_listed,
        "languages": lab_session.languages,
        "notice": lab_session.notice,
        "approval": approval_out(lab_session),
        "series": lab_session.series_id,
        "trouble": said(lab_session.trouble, lab_session.trouble_params) or None,
    }


def approval_out(lab_session: LabSession) -> ApprovalOut:
    return ApprovalOut(
        state=lab_session.approval,
        asked_at=lab_session.approval_asked_at,
        decided_by=lab_session.decided_by.name if lab_session.decided_by else None,
        decided_at=lab_session.decided_at,
        comment=lab_session.decision_comment,
    )


def detail_out(db: Session, lab_session: LabSession) -> LabSessionDetailOut:
    """With all its seats, those that failed or are gone too, and with the students who still wait for one."""
    board = boards.board_of(db, lab_session, now())
    students = {row.student.id: row.student for row in board.rows}
    traits = seat_signs.traits_of(db, board.spec)
    return LabSessionDetailOut(
        **fields_of(lab_session),
        seats=[
            seat_fields(seat, students.get(seat.student_id) if seat.student_id else None, traits)
            for seat in seats.seats_of(db, lab_session.id)
        ],
        students=[student_out(row) for row in board.rows],
    )


def seat_out(db: Session, seat: Seat) -> SeatOut:
    student = db.scalar(select(Student).where(Student.id == seat.student_id)) if seat.student_id else None
    version = db.get_one(LabSession, seat.lab_session_id).lab_version
    return seat_fields(seat, student, seat_signs.traits_of(db, spec_of(version)))


def seat_fields(seat: Seat, student: Student | None, traits: Traits) -> SeatOut:
    known = seat_readiness(seat, traits)
    why = known.why if seat.state in ALIVE else None
    return SeatOut(
        id=seat.id,
        number=seat.number,
        state=seat.state,
        student=student.name if student else None,
        step=student.step or None if student else None,
        ready_at=seat.ready_at,
        warm=seat.warm,
        resets=seat.resets,
        trouble=said(seat.trouble, seat.trouble_params) or None,
        replaced_at=seat.replaced_at,
        why=said(why.message, why.params) if why is not None else None,
        signs=[
            SeatSignOut(sign=one.sign, how=one.how, first_seen_at=one.at, missing=list(one.missing))
            for one in known.signs
        ],
    )


def student_out(row: boards.Row) -> StudentOut:
    return StudentOut(
        id=row.student.id,
        name=row.student.name,
        seat=row.seat.number if row.seat else None,
        step=row.student.step or None,
        passed=row.passed,
        hand=row.student.hand if row.student.hand_at else None,
    )
