"""Who may ask to keep a seat, who may agree, and that its room is proven for as long as it is promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from portal.core.calendar import TIDYING
from portal.core.errors import ClassDoesNotFit, Conflict, Invalid, NoCapacity, NotFound
from portal.core.lifecycle import KeepingState, LabSessionState, SeatState
from portal.core.policy import Actor, Role
from portal.models import AuditEntry, Claim, Keeping, LabSession, Seat, Student
from portal.services import (
    accounts,
    capacity,
    checks,
    keepings,
    kept_seats,
    restarts,
    seat_consoles,
    students,
    teaching,
)
from portal.services.booking import Wish, book
from portal.services.calendar import bookings
from portal.services.keepings import Terms
from tests.factories import ListQueue, actor_for, make_host, make_seat, make_student
from tests.factories.lab_sessions import make_lab_session
from tests.factories.moments import NOW

ENDS_AT = NOW + timedelta(minutes=50)
TERMS = Terms(most_days=14)
DAY = timedelta(days=1)


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def lab_session(db: Session) -> LabSession:
    """A class of 20 seats, on now, on a cluster that carries 32 with a host lost."""
    for number in (1, 2, 3):
        make_host(db, f"hv{number}")
    starts_at = ENDS_AT - timedelta(hours=1)
    return make_lab_session(db, starts_at=starts_at, state=LabSessionState.RUNNING, seats=20, spares=2)


def sit(db: Session, lab_session: LabSession, number: int = 1, name: str = "Ada", **changes: object) -> Student:
    student = make_student(db, lab_session, name, key=f"{name}'s key")
    host = capacity.hosts_in_order(db)[0]
    seat = make_seat(db, lab_session, number=number, student=student, **{"host_id": host.id, **changes})
    for machine in seat.machines:
        db.add(
            Claim(
                vm_id=machine.id, vcpus=1, memory_mib=1024, disk_gib=10, made_at=NOW, template_slug="dokuwiki",
                lab_session_id=lab_session.id, host_id=seat.host_id,
            )
        )  # fmt: skip
    db.flush()
    return student


def teacher(lab_session: LabSession) -> Actor:
    return accounts.actor_of(lab_session.teacher)


def ask(db: Session, student: Student, words: str = "") -> Keeping:
    return keepings.ask(db, student=student, words=words, now=NOW)


def grant(db: Session, keeping: Keeping, days: int = 7, *, actor: Actor | None = None, terms: Terms = TERMS) -> Keeping:
    actor = actor or teacher(db.get_one(LabSession, keeping.lab_session_id))
    return keepings.grant(db, actor=actor, keeping_id=keeping.id, days=days, terms=terms, now=NOW)


def end(db: Session, lab_session: LabSession) -> None:
    teaching.end_class(db, actor=None, lab_session=lab_session, queue=ListQueue(), now=ENDS_AT)


def actions(db: Session) -> list[str]:
    db.flush()
    entries = db.query(AuditEntry).order_by(AuditEntry.id)
    return [entry.action for entry in entries if entry.action.startswith("keeping.")]


def seat_of(db: Session, student: Student) -> Seat:
    return db.query(Seat).where(Seat.student_id == student.id).one()


# asking


def test_a_student_asks_with_a_line_of_words_and_the_board_is_told(db: Session, lab_session: LabSession) -> None:
    student, before = sit(db, lab_session), lab_session.revision
    keeping = ask(db, student, "  I want\n to go on ")
    assert (keeping.state, keeping.words) == (KeepingState.ASKED, "I want to go on")
    assert lab_session.revision > before
    assert actions(db) == ["keeping.asked"]


def test_asked_twice_it_is_one_question(db: Session, lab_session: LabSession) -> None:
    student = sit(db, lab_session)
    assert ask(db, student).id == ask(db, student, "please").id
    assert [keeping.words for keeping in keepings.of_class(db, lab_session.id)] == ["please"]


@pytest.mark.parametrize("words", ["x" * 301, "a\x00b"])
def test_words_that_are_too_long_or_cannot_be_read_are_refused(
    db: Session, lab_session: LabSession, words: str
) -> None:
    with pytest.raises(Invalid) as caught:
        ask(db, sit(db, lab_session), words)
    assert caught.value.field == "words"


@pytest.mark.parametrize("state", sorted(set(LabSessionState) - {LabSessionState.RUNNING}))
def test_only_while_the_class_goes_on(db: Session, lab_session: LabSession, state: LabSessionState) -> None:
    student = sit(db, lab_session)
    lab_session.state = state
    with pytest.raises(Conflict):
        ask(db, student)


def test_who_has_no_seat_has_nothing_to_keep(db: Session, lab_session: LabSession) -> None:
    with pytest.raises(Conflict):
        ask(db, make_student(db, lab_session))


def test_a_question_is_taken_back_and_asked_again(db: Session, lab_session: LabSession) -> None:
    student = sit(db, lab_session)
    grant(db, ask(db, student))
    keepings.withdraw(db, student=student, now=NOW)
    assert (ask(db, student).state, ask(db, student).until_at) == (KeepingState.ASKED, None)


# deciding


def test_a_teacher_agrees_for_some_days_and_changes_them(db: Session, lab_session: LabSession) -> None:
    keeping = ask(db, sit(db, lab_session))
    assert grant(db, keeping, 3).until_at == ENDS_AT + 3 * DAY
    assert grant(db, keeping, 5).until_at == ENDS_AT + 5 * DAY


def test_a_teacher_declines_and_thinks_again(db: Session, lab_session: LabSession) -> None:
    keeping = ask(db, sit(db, lab_session))
    keepings.decline(db, actor=teacher(lab_session), keeping_id=keeping.id, now=NOW)
    assert (keeping.state, keeping.until_at) == (KeepingState.DECLINED, None)
    assert grant(db, keeping).state == KeepingState.GRANTED


@pytest.mark.parametrize("days", [-1, 0, 15])
def test_too_few_and_too_many_days_are_refused(db: Session, lab_session: LabSession, days: int) -> None:
    with pytest.raises(Invalid) as caught:
        grant(db, ask(db, sit(db, lab_session)), days)
    assert caught.value.field == "days"


def test_nobody_but_who_teaches_the_class_decides(db: Session, lab_session: LabSession) -> None:
    keeping = ask(db, sit(db, lab_session))
    for eve in (actor_for(db, role=Role.TEACHER), actor_for(db)):
        for decide in (
            lambda eve=eve: grant(db, keeping, actor=eve),
            lambda eve=eve: keepings.decline(db, actor=eve, keeping_id=keeping.id, now=NOW),
            lambda eve=eve: kept_seats.end_early(db, actor=eve, keeping_id=keeping.id, queue=ListQueue(), now=NOW),
            lambda eve=eve: keepings.prolong(db, actor=eve, keeping_id=keeping.id, days=9, terms=TERMS, now=NOW),
        ):
            with pytest.raises(NotFound):
                decide()
    with pytest.raises(NotFound):
        keepings.grant(db, actor=teacher(lab_session), keeping_id=UUID(int=7), days=1, terms=TERMS, now=NOW)


# room


def other_class(db: Session, starts_at: datetime, seats: int = 32) -> LabSession:
    return make_lab_session(db, starts_at=starts_at, seats=seats - 1, spares=1)


def test_room_is_proven_until_the_end_and_what_fits_is_said(db: Session, lab_session: LabSession) -> None:
    other_class(db, ENDS_AT + 4 * DAY)
    keeping = ask(db, sit(db, lab_session))
    with pytest.raises(NoCapacity) as caught:
        grant(db, keeping, 7)
    assert "Days that fit: 3." in str(caught.value)
    assert keeping.state == KeepingState.ASKED
    assert grant(db, keeping, 3).state == KeepingState.GRANTED


def test_a_host_is_kept_in_reserve_for_it(db: Session, lab_session: LabSession) -> None:
    other_class(db, ENDS_AT + 4 * DAY)
    keeping = ask(db, sit(db, lab_session))
    assert grant(db, keeping, 7, terms=replace(TERMS, reserve_hosts=0)).state == KeepingState.GRANTED


def test_if_not_a_single_day_fits_that_is_said(db: Session, lab_session: LabSession) -> None:
    other_class(db, ENDS_AT + timedelta(hours=3))
    with pytest.raises(NoCapacity, match="Not even one day fits"):
        grant(db, ask(db, sit(db, lab_session)), 7)


def test_a_class_is_not_booked_into_the_room_of_a_seat_that_will_be_kept(db: Session, lab_session: LabSession) -> None:
    grant(db, ask(db, sit(db, lab_session)), 7)
    eve = actor_for(db, role=Role.TEACHER)
    wish = Wish(lab_session.lab_slug, (NOW + 3 * DAY,), 60, 29)  # with its spare ones all that there is
    with pytest.raises(ClassDoesNotFit):
        book(db, actor=eve, wish=wish, now=NOW)
    book(db, actor=eve, wish=replace(wish, starts_at=(NOW + 9 * DAY,)), now=NOW)


def test_it_is_counted_once_from_grant_to_end(db: Session, lab_session: LabSession) -> None:
    student = sit(db, lab_session)
    grant(db, ask(db, student), 7)
    free = capacity.cluster(db, now=NOW).free_with_reserve
    end(db, lab_session)
    (held,) = bookings(db, since=ENDS_AT)
    assert (held.starts_at, held.ends_at, held.seats) == (ENDS_AT, ENDS_AT + 7 * DAY + TIDYING, 1)
    later = capacity.cluster(db, now=ENDS_AT).free_with_reserve
    assert later.memory_mib == free.memory_mib + 21 * lab_session.seat_memory_mib
    assert capacity.ground(db, reserve_hosts=1).room_left.memory_mib >= later.memory_mib


def test_it_is_counted_as_long_as_it_is_there(db: Session, lab_session: LabSession) -> None:
    grant(db, ask(db, sit(db, lab_session)), 1)
    end(db, lab_session)
    late = ENDS_AT + 3 * DAY
    assert [booking.ends_at for booking in bookings(db, since=late)] == [late + TIDYING]


def test_a_class_whose_seats_are_kept_is_prolonged_without_counting_them_twice(
    db: Session, lab_session: LabSession
) -> None:
    other_class(db, ENDS_AT + timedelta(minutes=20), seats=10)  # 22 + 10 are all that fit
    keeping = ask(db, sit(db, lab_session))
    lab_session.seats, lab_session.spares = 20, 2
    db.flush()
    grant(db, keeping, 1)
    teaching.prolong(db, actor=teacher(lab_session), lab_session_id=lab_session.id, minutes=15, now=NOW)


# after the class


def test_the_key_opens_the_kept_seat_and_nothing_else(db: Session, lab_session: LabSession) -> None:
    ada, noor = sit(db, lab_session), sit(db, lab_session, 2, "Noor")
    grant(db, ask(db, ada))
    end(db, lab_session)
    assert students.student_of(db, "Ada's key") is ada
    assert students.student_of(db, "Noor's key") is None
    assert seat_of(db, ada).state == SeatState.KEPT
    ticket = seat_consoles.issue_for_student(
        db, student=ada, key_hash=ada.key_hash, machine="server", kind="serial", now=ENDS_AT
    )  # type: ignore[arg-type]
    assert ticket
    assert checks.begin_try(db, ada.id, "look", ENDS_AT).step.slug == "look"
    with pytest.raises(Conflict):
        students.raise_hand(db, ada, "hello", ENDS_AT)
    with pytest.raises(Conflict):
        restarts.begin_again(db, seat=seat_of(db, ada), by=None, queue=ListQueue(), now=ENDS_AT)
    assert noor.id != ada.id


def test_a_locked_class_does_not_lock_what_is_kept(db: Session, lab_session: LabSession) -> None:
    ada = sit(db, lab_session)
    grant(db, ask(db, ada))
    lab_session.locked = True
    end(db, lab_session)
    (place, *_) = seat_consoles.places_where(db, Seat.student_id == ada.id).values()
    assert seat_consoles.refuse_student(place, ada) is False


def test_the_key_ends_with_the_keeping(db: Session, lab_session: LabSession) -> None:
    ada = sit(db, lab_session)
    keeping = grant(db, ask(db, ada))
    end(db, lab_session)
    queue = ListQueue()
    kept_seats.end_early(db, actor=teacher(lab_session), keeping_id=keeping.id, queue=queue, now=ENDS_AT)
    assert students.student_of(db, "Ada's key") is None
    assert [entry[0] for entry in queue.entries] == ["end_keeping"]
    with pytest.raises(Conflict):
        kept_seats.end_early(db, actor=teacher(lab_session), keeping_id=keeping.id, queue=queue, now=ENDS_AT)


def test_a_new_link_opens_a_kept_seat(db: Session, lab_session: LabSession) -> None:
    ada = sit(db, lab_session)
    grant(db, ask(db, ada))
    end(db, lab_session)
    actor = teacher(lab_session)
    key = teaching.let_in_again(db, actor=actor, lab_session_id=lab_session.id, student_id=ada.id, now=ENDS_AT)
    assert students.student_of(db, key) is ada


def test_it_is_prolonged_up_to_the_most_days_if_there_is_room(db: Session, lab_session: LabSession) -> None:
    keeping = grant(db, ask(db, sit(db, lab_session)), 3)
    end(db, lab_session)
    keeping.told_at = NOW

    def prolong(days: int) -> Keeping:
        actor = teacher(lab_session)
        return keepings.prolong(db, actor=actor, keeping_id=keeping.id, days=days, terms=TERMS, now=ENDS_AT + DAY)

    assert (prolong(10).until_at, keeping.told_at) == (ENDS_AT + 10 * DAY, None)
    for days in (15, 10, 5):
        with pytest.raises(Invalid):
            prolong(days)
    other_class(db, ENDS_AT + 12 * DAY)
    with pytest.raises(NoCapacity):
        prolong(14)
    assert prolong(11).until_at == ENDS_AT + 11 * DAY


def test_days_before_the_end_nothing_ends(db: Session, lab_session: LabSession) -> None:
    grant(db, ask(db, sit(db, lab_session)), 3)
    end(db, lab_session)
    assert kept_seats.end_due(db, queue=ListQueue(), now=ENDS_AT + 2 * DAY, terms=TERMS) == 0
    assert kept_seats.end_due(db, queue=ListQueue(), now=ENDS_AT + 3 * DAY, terms=TERMS) == 1
