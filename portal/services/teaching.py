"""What a teacher does with a class: prepare, open, lock, tell, begin seats again, bring on, prolong, end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.calendar import Calendar
from portal.core.errors import N_, Conflict, Invalid, NotFound
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.policy import Actor
from portal.interfaces import WorkflowQueue
from portal.models import LabSession, Seat, Student, Workflow
from portal.services import (
    booking,
    checks,
    class_approvals,
    keepings,
    kept_seats,
    rehearsals,
    restarts,
    seats,
    students,
    workflows,
)
from portal.services.audit import record
from portal.services.lab_sessions import get, locked, plan_of
from portal.services.lab_specs import spec_of
from portal.services.seats import subject_of

ON = (LabSessionState.READY, LabSessionState.RUNNING)
LIVING = (LabSessionState.PREPARING, *ON)
NO_SEAT = N_("There is no such seat.")
LONGEST_NOTICE = 500
MOST_PROLONGED_MIN = 120


def prepare(db: Session, *, lab_session: LabSession, queue: WorkflowQueue, now: datetime, by: Actor | None) -> Workflow:
    """Begin to make the seats. Raises Conflict unless the class is only booked."""
    if lab_session.state != LabSessionState.BOOKED:
        raise Conflict(N_("The seats of this class are being prepared already, or it is over."))
    class_approvals.refuse_waiting(lab_session)
    rehearsals.stop(db, lab_session.id, now)
    lab_session.move_to(LabSessionState.PREPARING)
    workflow = workflows.begin(db, kind="prepare_class", subject_id=lab_session.id, queue=queue, now=now)
    lab_session.workflow_id = workflow.id
    record(db, actor=by, action="lab_session.preparing", subject=subject_of(lab_session), now=now)
    return workflow


def open_class(db: Session, *, actor: Actor, lab_session_id: UUID, now: datetime) -> LabSession:
    """Begin before the hour. Raises Conflict while the seats are not ready."""
    lab_session = locked(db, actor, lab_session_id)
    if lab_session.state != LabSessionState.READY:
        raise Conflict(N_("This class cannot begin now: its seats are not ready, or it is over."))
    begin(db, lab_session, by=actor, now=now)
    return lab_session


def begin(db: Session, lab_session: LabSession, *, by: Actor | None, now: datetime) -> None:
    lab_session.move_to(LabSessionState.RUNNING)
    lab_session.opened_at = now
    record(db, actor=by, action="lab_session.opened", subject=subject_of(lab_session), now=now)


def end_class(
    db: Session, *, actor: Actor | None, lab_session: LabSession, queue: WorkflowQueue, now: datetime
) -> Workflow | None:
    """End it now: students' keys and consoles end at once, and all that it has is taken away, but for kept seats.

    A preparation that is under way is asked to stop first; it clears up after itself, and then None is returned.
    """
    if lab_session.state not in LIVING:
        raise Conflict(N_("This class is not on."))
    if workflows.is_under_way(db, lab_session.id):
        workflows.ask_cancel(db, workflow_id=lab_session.workflow_id or "", now=now)
        return None
    lab_session.move_to(LabSessionState.ENDED)
    lab_session.ended_at = now
    kept = kept_seats.keep_granted(db, lab_session, now=now)
    details = {"kept": kept} if kept else {}
    record(db, actor=actor, action="lab_session.ended", subject=subject_of(lab_session), now=now, details=details)
    return clear(db, lab_session, queue=queue, now=now)


def clear(db: Session, lab_session: LabSession, *, queue: WorkflowQueue, now: datetime) -> Workflow:
    """Take away all that the class has on the hosts."""
    workflow = workflows.begin(db, kind="end_class", subject_id=lab_session.id, queue=queue, now=now, clean_up=True)
    lab_session.workflow_id = workflow.id
    return workflow


def set_lock(db: Session, *, actor: Actor, lab_session_id: UUID, locked: bool, now: datetime) -> None:
    """Locked: students see their machines and the guide, and type nothing."""
    lab_session = on_now(db, actor, lab_session_id)
    if lab_session.locked != locked:
        lab_session.locked = locked
        lab_session.show_change()
        action = "lab_session.locked" if locked else "lab_session.unlocked"
        record(db, actor=actor, action=action, subject=subject_of(lab_session), now=now)


def tell_all(db: Session, *, actor: Actor, lab_session_id: UUID, text: str, now: datetime) -> None:
    """A message on every student's page; an empty one takes the last one away."""
    text = " ".join(text.split())
    if len(text) > LONGEST_NOTICE:
        raise Invalid(N_("At most %(most)s characters."), field="text", most=LONGEST_NOTICE)
    lab_session = on_now(db, actor, lab_session_id)
    lab_session.notice, lab_session.notice_at = text, now
    lab_session.show_change()


def on_now(db: Session, actor: Actor, lab_session_id: UUID, *, lock: bool = True) -> LabSession:
    """Without the lock where a student's row is held afterwards: students hold theirs first, then the class's."""
    lab_session = get(db, actor=actor, lab_session_id=lab_session_id)
    if lock:
        lab_session = locked(db, actor, lab_session_id)
    if lab_session.state not in ON:
        raise Conflict(N_("This class is not on."))
    return lab_session


def reset_seats(
    db: Session,
    *,
    actor: Actor,
    lab_session_id: UUID,
    seat_ids: Iterable[UUID] | None,
    queue: WorkflowQueue,
    now: datetime,
    step: str = "",
) -> int:
    """Begin these seats again, or all that somebody sits at, at this step of the lab if one is named.

    Those that are being made already are left alone.
    """
    lab_session = on_now(db, actor, lab_session_id)
    wanted = None if seat_ids is None else set(seat_ids)
    begun = 0
    for seat in seats.seats_of(db, lab_session.id, (SeatState.TAKEN, SeatState.READY)):
        asked_for = seat.student_id is not None if wanted is None else seat.id in wanted
        if asked_for and not workflows.is_under_way(db, seat.id):
            restarts.begin_again(db, seat=seat, by=actor, queue=queue, now=now, step=step)
            begun += 1
    return begun


def seat_on(db: Session, *, actor: Actor, seat_id: UUID) -> Seat:
    """A seat of a class of one's own that is on; for others there is none. Raises Conflict when the class is not on."""
    seat = db.get(Seat, seat_id)
    if seat is None:
        raise NotFound(NO_SEAT)
    try:
        on_now(db, actor, seat.lab_session_id)
    except NotFound:
        raise NotFound(NO_SEAT) from None
    return seat


def prolong(
    db: Session,
    *,
    actor: Actor,
    lab_session_id: UUID,
    minutes: int,
    now: datetime,
    reserve_hosts: int = 1,
    timezone: str = DEFAULT_TIMEZONE,
) -> LabSession:
    """The class ends later, if it is proven that it still fits then. Raises ClassDoesNotFit."""
    lab_session = on_now(db, actor, lab_session_id)
    if not 1 <= minutes <= MOST_PROLONGED_MIN:
        raise Invalid(N_("Choose 1 to %(most)s minutes."), field="minutes", most=MOST_PROLONGED_MIN)
    plan = plan_of(db, lab_session, lab_session.starts_at)
    longer = int((lab_session.ends_at - lab_session.starts_at).total_seconds() // 60) + minutes
    plan = replace(plan, wish=replace(plan.wish, minutes=longer))
    ground, others = booking.look_for_room(db, plan, now=now, reserve_hosts=reserve_hosts, but=lab_session.id)
    own = {keeping.id for keeping in keepings.of_class(db, lab_session.id)}  # in that time they are the class's seats
    others = Calendar(one for one in others.bookings if one.id not in own)
    booking.find_room(ground, others, plan, now=now, timezone=timezone)
    lab_session.ends_at += timedelta(minutes=minutes)
    lab_session.show_change()
    details = {"minutes": minutes}
    record(db, actor=actor, action="lab_session.prolonged", subject=subject_of(lab_session), now=now, details=details)
    return lab_session


def bring_all(
    db: Session, *, actor: Actor, lab_session_id: UUID, step: str, queue: WorkflowQueue, now: datetime
) -> int:
    """Bring everybody to the beginning of this step: what they have not done before it is done for them.

    Seats that are being made anew at this moment are left alone. Returns how many were begun.
    """
    lab_session = on_now(db, actor, lab_session_id)
    checks.step_of(spec_of(lab_session.lab_version), step)
    lab_session.catch_up_step = step
    begun = 0
    for seat in seats.seats_of(db, lab_session.id, (SeatState.TAKEN,)):
        if not workflows.is_under_way(db, seat.id):
            workflows.begin(db, kind="bring_seat", subject_id=seat.id, queue=queue, now=now)
            begun += 1
    details = {"step": step, "seats": begun}
    record(db, actor=actor, action="lab_session.brought", subject=subject_of(lab_session), now=now, details=details)
    return begun


def let_in_again(db: Session, *, actor: Actor, lab_session_id: UUID, student_id: UUID, now: datetime) -> str:
    """A new key for a student whose computer broke; what was open by the old one ends."""
    if kept_seats.is_kept(db, student_id):
        lab_session = get(db, actor=actor, lab_session_id=lab_session_id)
    else:
        lab_session = on_now(db, actor, lab_session_id, lock=False)
    student = student_in(db, lab_session, student_id)
    details = {"student": student.name}
    record(db, actor=actor, action="student.let_in", subject=subject_of(lab_session), now=now, details=details)
    return students.renew_key(db, student)


def student_in(db: Session, lab_session: LabSession, student_id: UUID) -> Student:
    student = db.get(Student, student_id)
    if student is None or student.lab_session_id != lab_session.id:
        raise NotFound(N_("There is no such student in this class."))
    return student


def lower_hand(db: Session, *, actor: Actor, lab_session_id: UUID, student_id: UUID) -> None:
    lab_session = get(db, actor=actor, lab_session_id=lab_session_id)
    student = student_in(db, lab_session, student_id)
    student.hand, student.hand_at = None, None
    seats.bump(db, lab_session.id)


def confirm_step(
    db: Session, *, actor: Actor, lab_session_id: UUID, student_id: UUID, step: str, now: datetime
) -> None:
    """The teacher has looked: the step is done."""
    lab_session = on_now(db, actor, lab_session_id, lock=False)
    checks.confirm(db, student=student_in(db, lab_session, student_id), step=step, now=now)
