"""Students of a class: they join with its code and a name, and come back by a key that only their browser has."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, NotFound
from portal.core.labs import LabSpec
from portal.core.languages import language_for
from portal.core.lifecycle import KeepingState, LabSessionState
from portal.models import Invitation, Keeping, LabSession, Seat, StepResult, Student
from portal.services import lab_specs, seats
from portal.services.login_sessions import hash_of

EARLIEST = timedelta(minutes=15)  # before its beginning, a class that is not being prepared yet lets students in
TOLD_AHEAD = timedelta(hours=12)  # who comes earlier with a right code hears when the class begins; before: nothing
SEEN_EVERY = timedelta(seconds=30)
MOST_IN_NAME = 80
MOST_IN_HAND = 300
LONGEST_KEY = 200
JOINABLE = frozenset({LabSessionState.PREPARING, LabSessionState.READY, LabSessionState.RUNNING})
OPEN = JOINABLE | {LabSessionState.BOOKED}
NO_SUCH_CODE = N_("This code opens no class now. Please look at it again, or ask your teacher.")


@dataclass(frozen=True)
class Joined:
    """`key` exists nowhere else: it goes into the browser's cookie."""

    student: Student
    key: str


def normal_code(code: str) -> str:
    """As it is kept: capitals and digits, however it was written down or typed."""
    return re.sub(r"[\W_]", "", code).upper()


def normal_name(name: str) -> str:
    """One line that can be read. Raises Invalid."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= MOST_IN_NAME or not name.isprintable():
        raise Invalid(N_("Please write your name, with at most %(most)s letters."), field="name", most=MOST_IN_NAME)
    return name


def join(db: Session, *, code: str, name: str, locale: str, now: datetime, key: str | None = None) -> Joined:
    """Let somebody into the class of this code. `key` is what their browser holds already, if it does.

    The same browser with the same name is the same student. The class is held, so that neither a name nor the last
    place is given twice.
    """
    lab_session = class_of(db, code, now)
    name = normal_name(name)
    before = student_of(db, key)
    if before and key and before.lab_session_id == lab_session.id and before.name.casefold() == name.casefold():
        return Joined(before, key)
    if lab_session.only_listed:
        raise Invalid(N_("Only people on the list come in. Please open your personal link."), field="code")
    refuse_taken(db, lab_session, name)
    new_key = secrets.token_urlsafe(32)
    student = Student(
        lab_session_id=lab_session.id,
        name=name,
        key_hash=hash_of(new_key),
        joined_at=now,
        seen_at=now,
        locale=language_for(lab_session.languages, locale),
    )
    db.add(student)
    db.flush()
    seats.bump(db, lab_session.id)
    return Joined(student, new_key)


def class_of(db: Session, code: str, now: datetime) -> LabSession:
    """The class that this code opens now, held. Unknown, ended and far-off ones are refused in the same words."""
    query = select(LabSession).where(LabSession.join_code == normal_code(code), LabSession.state.in_(OPEN))
    lab_session = db.scalar(query.with_for_update(of=LabSession))
    if lab_session is None or lab_session.starts_at - now > TOLD_AHEAD:
        raise Invalid(NO_SUCH_CODE, field="code")
    refuse_early(lab_session, now, field="code")
    return lab_session


def refuse_early(lab_session: LabSession, now: datetime, *, field: str) -> None:
    if lab_session.state not in JOINABLE and lab_session.starts_at - now > EARLIEST:
        raise Invalid(
            N_("The class begins at %(at)s. Please come back a quarter of an hour before."),
            field=field,
            at=lab_session.starts_at,
        )


def refuse_taken(db: Session, lab_session: LabSession, name: str) -> None:
    """Whoever is on the list keeps their name and their seat, also before they come."""
    names = names_in(db, lab_session)
    if name.casefold() in {other.casefold() for other in names}:
        raise Invalid(
            N_("Somebody called “%(name)s” is in this class already. Please add something, as your surname."),
            field="name",
            name=name,
        )
    if len(names) >= lab_session.seats:
        raise Conflict(N_("All seats are taken; tell your teacher."))


def names_in(db: Session, lab_session: LabSession) -> list[str]:
    """Of those who came, and of those whose personal link waits for them."""
    came = select(Student.name).where(Student.lab_session_id == lab_session.id)
    waited_for = select(Invitation.name).where(
        Invitation.lab_session_id == lab_session.id, Invitation.student_id.is_(None), Invitation.revoked_at.is_(None)
    )
    return [*db.scalars(came), *db.scalars(waited_for)]


def student_of(db: Session, key: str | None) -> Student | None:
    """Whose key this is; None when the class is over, for keys end with it, but for those of kept seats."""
    return student_by_hash(db, hash_of(key)) if key and len(key) <= LONGEST_KEY else None


def student_by_hash(db: Session, key_hash: str) -> Student | None:
    """As `student_of`, for who kept only the hash (consoles ask whether the student may stay)."""
    return db.scalar(of_open_classes().where(Student.key_hash == key_hash))


def of_open_classes() -> Select[Student]:
    """Of classes that are not over, and those whose seat is kept after it."""
    kept = select(Keeping.id).where(Keeping.student_id == Student.id, Keeping.state == KeepingState.KEPT)
    query = select(Student).join(LabSession, LabSession.id == Student.lab_session_id)
    return query.where(or_(LabSession.state.in_(OPEN), kept.exists()))


def renew_key(db: Session, student: Student) -> str:
    """A new key, for whose device broke: the old one, and all that is open by it, ends within seconds."""
    key = secrets.token_urlsafe(32)
    student.key_hash = hash_of(key)
    db.flush()
    return key


def was_student(db: Session, key: str | None) -> bool:
    """True for a key of a class, over or not: its browser is told how the class ended rather than asked for a code."""
    return past_student(db, key) is not None


def past_student(db: Session, key: str | None) -> Student | None:
    """Whose key this was, also when it opens nothing any more."""
    if not key or len(key) > LONGEST_KEY:
        return None
    return db.scalar(select(Student).where(Student.key_hash == hash_of(key)))


def class_with(db: Session, student: Student) -> LabSession:
    return db.get_one(LabSession, student.lab_session_id)


def spec_of(lab_session: LabSession) -> LabSpec:
    return lab_specs.spec_of(lab_session.lab_version)


def results_of(db: Session, student: Student) -> dict[str, StepResult]:
    rows = db.scalars(select(StepResult).where(StepResult.student_id == student.id))
    return {row.step: row for row in rows}


def note_locale(db: Session, student: Student, locale: str) -> None:
    """Checks answer in the language in which the student reads now."""
    locale = language_for(class_with(db, student).languages, locale)
    if student.locale != locale:
        student.locale = locale


def needs_touch(student: Student, now: datetime) -> bool:
    return now - student.seen_at > SEEN_EVERY


def is_touch_late(student: Student, now: datetime) -> bool:
    """It was put off several times: now it is worth waiting for."""
    return now - student.seen_at > 3 * SEEN_EVERY


def touch(db: Session, key_hash: str, now: datetime) -> None:
    """Note that the student is there. No live page is told: this changes all the time."""
    db.execute(update(Student).where(Student.key_hash == key_hash).values(seen_at=now))


def raise_hand(db: Session, student: Student, text: str, now: datetime) -> None:
    """Raised again it keeps its place in the row, with the new words."""
    if class_with(db, student).state not in OPEN:
        raise Conflict(N_("The class is over: nobody would see your hand."))
    text = " ".join(text.split())
    if len(text) > MOST_IN_HAND or (text and not text.isprintable()):
        raise Invalid(N_("Please write at most %(most)s letters."), field="text", most=MOST_IN_HAND)
    student.hand, student.hand_at = text, student.hand_at or now
    seats.bump(db, student.lab_session_id)


def lower_hand(db: Session, student: Student) -> None:
    student.hand = student.hand_at = None
    seats.bump(db, student.lab_session_id)


def sit_down(db: Session, student: Student, now: datetime) -> Seat | None:
    """The student's seat, given now if the class is on and one is ready; the guide opens at its first step."""
    lab_session = class_with(db, student)
    seat = seats.take_seat(db, lab_session=lab_session, student=student, now=now)
    if seat is not None and not student.step:
        open_step(db, student, spec_of(lab_session).steps[0].slug, now)
    return seat


def own_seat(db: Session, student: Student, seat_id: UUID) -> Seat:
    """The student's seat, if it is this one; all others are not there."""
    seat = seats.seat_of(db, student.id)
    if seat is None or seat.id != seat_id:
        raise NotFound(N_("There is no such seat."))
    return seat


def open_step(db: Session, student: Student, step: str, now: datetime) -> StepResult:
    """Turn the guide to this step; the first time is remembered."""
    result = result_for(db, student, step, now)
    if student.step != step:
        student.step = step
        seats.bump(db, student.lab_session_id)
    return result


def take_hint(db: Session, student: Student, step: str, *, most: int, now: datetime) -> int:
    """Open one more hint of the step and say how many are open; never more than there are."""
    result = result_for(db, student, step, now)
    if result.hints < most:
        result.hints += 1
        seats.bump(db, student.lab_session_id)
    return result.hints


def result_for(db: Session, student: Student, step: str, now: datetime) -> StepResult:
    """The student's row for this step, made if it is not there. The student is held: two clicks make one row."""
    if spec_of(class_with(db, student)).step(step) is None:
        raise NotFound(N_("This lab has no such step."))
    db.flush()
    db.refresh(student, with_for_update=True)
    result = db.get(StepResult, (student.id, step))
    if result is None:
        result = StepResult(student_id=student.id, step=step, begun_at=now)
        db.add(result)
        db.flush()
    return result


def remaining(lab_session: LabSession, now: datetime) -> timedelta:
    return max(lab_session.ends_at - now, timedelta(0))
