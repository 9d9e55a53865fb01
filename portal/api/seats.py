"""/seats/<id>/...: begin a seat again, and check a step on it; a student one's own, a teacher those of one's class."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from portal.api.auth import permission
from portal.api.context import actor, is_student, now, site, student, writing
from portal.api.lab_session_views import seat_out
from portal.api.languages import language
from portal.api.schemas.lab_sessions import SeatOut
from portal.api.schemas.seats import CheckIn, CheckOut, ResetSeatIn
from portal.core.errors import N_, Conflict
from portal.core.policy import Permission
from portal.models import Seat
from portal.services import restarts, students, teaching
from portal.workflows.checking import check_step

bp = APIBlueprint("seats", __name__, url_prefix="/seats/<uuid:seat_id>", tag="Seats")


@bp.post("/reset")
@bp.input(ResetSeatIn, arg_name="wish")
@bp.output(SeatOut, status_code=202)
@bp.doc(summary="Throw the seat's machines away and make them anew", operation_id="reset_seat")
@permission(Permission.TEACH, or_student=True)
def reset(seat_id: UUID, wish: ResetSeatIn) -> SeatOut:
    """What was done on them is lost; the guide stays where it is. 409 while they are being made already.

    With `step` the reference solutions of the steps before it are run, the guide opens there, and from it on everything
    is to be done again. Students go no further than one step beyond the last that they passed (409).
    """
    with writing() as db:
        seat = own_seat(db, seat_id)
        by = None if is_student() else actor()
        restarts.begin_again(db, seat=seat, by=by, queue=site().queue, now=now(), step=wish.step or "")
        return seat_out(db, seat)


@bp.post("/check")
@bp.input(CheckIn, arg_name="wish")
@bp.output(CheckOut)
@bp.doc(summary="See whether a step is done", operation_id="check_seat")
@permission(Permission.TEACH, or_student=True)
def check(seat_id: UUID, wish: CheckIn) -> CheckOut:
    """Looks into the seat's machines, which takes as long as the lab allows, and keeps the result."""
    with writing() as db:
        seat = own_seat(db, seat_id)
        if is_student():
            students.note_locale(db, student(db), language())
        student_id = seat.student_id
    if student_id is None:
        raise Conflict(N_("Nobody sits here yet: there is nothing to check."))
    outcome = check_step(site(), student_id=student_id, step=wish.step)
    return CheckOut(
        step=wish.step,
        passed=outcome.passed,
        waits_for_teacher=outcome.waits_for_teacher,
        messages=list(outcome.messages),
    )


def own_seat(db: Session, seat_id: UUID) -> Seat:
    """NotFound for seats of others, whoever calls."""
    if is_student():
        return students.own_seat(db, student(db), seat_id)
    return teaching.seat_on(db, actor=actor(), seat_id=seat_id)
