"""Classes: accepted only with proven room, found by their teacher, moved and cancelled one date at a time."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from portal.core.calendar import LEAD, TIDYING
from portal.core.errors import ClassDoesNotFit, Conflict, Invalid, InvalidOrder, NoCapacity, NotAllowed, NotFound
from portal.core.lifecycle import LabSessionState
from portal.core.policy import Actor, Role
from portal.core.quota import Amount
from portal.models import AuditEntry, Claim, Host, Lab, LabSession
from portal.services import capacity, claims, lab_sessions, orders, seat_claims
from portal.services.lab_sessions import Wish
from portal.services.seat_claims import SeatClaim
from tests.factories import actor_for, make_department, make_host, make_template, make_vm_request
from tests.factories.cluster import make_spec, size
from tests.factories.lab_sessions import make_lab_session, make_taught_lab
from tests.factories.labs import lab_machine
from tests.factories.moments import NOW

TOMORROW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)  # ten o'clock in Madrid
HOUR = timedelta(hours=1)
GIB = 1024


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def tom(db: Session) -> Actor:
    """Tom teaches, on a cluster that carries 32 seats with a host lost."""
    for number in (1, 2, 3):
        make_host(db, f"hv{number}")
    make_taught_lab(db)
    return actor_for(db, "tom", role=Role.TEACHER)


def wish(**changes: object) -> Wish:
    return replace(Wish("wiki-page", (TOMORROW,), minutes=60, seats=20, room="Aula 2"), **changes)  # type: ignore[arg-type]


def book(db: Session, actor: Actor, **changes: object) -> list[LabSession]:
    return lab_sessions.book(db, actor=actor, wish=wish(**changes), now=NOW)


def test_a_class_is_booked_with_what_it_takes(db: Session, tom: Actor) -> None:
    (lab_session,) = book(db, tom)
    assert (lab_session.state, lab_session.seats, lab_session.spares) == (LabSessionState.BOOKED, 20, 2)
    assert (lab_session.seat_vcpus, lab_session.seat_memory_mib, lab_session.seat_disk_gib) == (2, GIB, 2)
    assert (lab_session.ends_at, lab_session.prepare_at) == (TOMORROW + HOUR, TOMORROW - LEAD)
    assert db.scalars(select(AuditEntry.action)).all() == ["lab_session.booked"]


def test_codes_are_easy_to_read_and_never_the_same(db: Session, tom: Actor) -> None:
    days = tuple(TOMORROW + timedelta(days=day) for day in range(20))
    codes = [each.join_code for each in book(db, tom, starts_at=days)]
    assert len(set(codes)) == 20
    assert {len(code) for code in codes} == {8}
    assert not set("".join(codes)) & set("0O1Iabc")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seats": 0}, "seats"),
        ({"seats": 41}, "seats"),
        ({"minutes": 14}, "minutes"),
        ({"minutes": 481}, "minutes"),
        ({"starts_at": (NOW,)}, "at"),
        ({"starts_at": (NOW - timedelta(days=2),)}, "day"),
        ({"starts_at": (NOW + timedelta(days=367),)}, "day"),
        ({"starts_at": ()}, "day"),
        ({"starts_at": tuple(TOMORROW + timedelta(days=day) for day in range(53))}, "times"),
        ({"starts_at": (TOMORROW, TOMORROW + timedelta(minutes=59))}, "dates"),
        ({"room": "x" * 121}, "room"),
        ({"room": "Aula\x00"}, "room"),
        ({"lab": ""}, "lab"),
    ],
)
def test_what_makes_no_sense_is_told_beside_its_field(
    db: Session, tom: Actor, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        book(db, tom, **changes)
    assert refused.value.field == field
    assert db.scalar(select(func.count()).select_from(LabSession)) == 0


def test_all_wrong_answers_are_told_at_once(db: Session, tom: Actor) -> None:
    with pytest.raises(InvalidOrder) as refused:
        book(db, tom, seats=41, starts_at=(NOW,))
    assert {error.field for error in refused.value.errors} == {"seats", "at"}


def test_only_teachers_book_and_only_for_their_departments(db: Session, tom: Actor) -> None:
    with pytest.raises(NotAllowed):
        book(db, actor_for(db, "ada"))
    with pytest.raises(NotAllowed):
        book(db, tom, department_id=make_department(db, "radiologia").id)


def test_labs_of_others_and_labs_that_are_gone_cannot_be_booked(db: Session, tom: Actor) -> None:
    make_taught_lab(db, "secret", offered_to=("radiologia",))
    with pytest.raises(NotFound, match="no lab “secret”"):
        book(db, tom, lab="secret")
    with pytest.raises(NotFound):
        book(db, tom, lab="nothing")
    db.get_one(Lab, "wiki-page").gone = True
    with pytest.raises(Conflict, match="no longer there"):
        book(db, tom)


def test_a_lab_whose_template_has_no_disk_says_which(db: Session, tom: Actor) -> None:
    make_template(db, "dcm4chee", versions=0)
    machine = lab_machine("desk", 10, template="dcm4chee", size="small")
    make_taught_lab(db, "dicom", machines=(machine,))
    with pytest.raises(Conflict, match="needs the template “dcm4chee”: Its disk"):
        book(db, tom, lab="dicom")


def test_what_does_not_fit_is_refused_with_what_would(db: Session, tom: Actor) -> None:
    book(db, tom)
    with pytest.raises(ClassDoesNotFit, match="On 2026-03-03 at 09:45 this class lacks 12.0 GB") as refused:
        book(db, tom)
    assert refused.value.seats_that_fit == 9  # and a spare one
    assert [f"{start:%H:%M}" for start in refused.value.alternatives] == ["07:15", "07:30", "10:30"]


def test_an_offered_time_can_be_booked(db: Session, tom: Actor) -> None:
    book(db, tom)
    with pytest.raises(ClassDoesNotFit) as refused:
        book(db, tom)
    for start in refused.value.alternatives:
        with db.begin_nested() as savepoint:
            assert book(db, tom, starts_at=(start,))
            savepoint.rollback()
    assert book(db, tom, seats=refused.value.seats_that_fit)


def test_a_series_is_booked_on_all_its_dates_or_on_none(db: Session, tom: Actor) -> None:
    weeks = tuple(TOMORROW + timedelta(weeks=week) for week in range(3))
    book(db, tom, starts_at=weeks[2:])
    with pytest.raises(ClassDoesNotFit, match="On 2026-03-17"):
        book(db, tom, starts_at=weeks)
    assert db.scalar(select(func.count()).select_from(LabSession)) == 1
    assert len(book(db, tom, starts_at=weeks, seats=9)) == 3


def test_dates_of_a_series_that_are_close_count_beside_each_other(db: Session, tom: Actor) -> None:
    with pytest.raises(ClassDoesNotFit):
        book(db, tom, starts_at=(TOMORROW, TOMORROW + HOUR))
    assert book(db, tom, starts_at=(TOMORROW, TOMORROW + HOUR + LEAD + TIDYING))


def test_standing_machines_leave_less_for_classes(db: Session, tom: Actor) -> None:
    claims.place(db, make_vm_request(db, copies=10, claimed=True), NOW)
    make_vm_request(db, copies=5, claimed=True)  # waits for a decision
    with pytest.raises(ClassDoesNotFit) as refused:
        book(db, tom)
    assert refused.value.seats_that_fit == 15  # 17 GiB are left


def test_licences_are_counted_over_classes_and_machines(db: Session, tom: Actor) -> None:
    make_template(db, "windows", sizes=(size("tiny", 1, 512, 1),), licence_seats=25)
    machine = lab_machine("desk", 10, template="windows")
    make_taught_lab(db, "windows-lab", machines=(machine,))
    book(db, tom, lab="windows-lab", seats=10)
    with pytest.raises(ClassDoesNotFit, match="lacks 1 licences for “windows”"):
        book(db, tom, lab="windows-lab", seats=13)
    spec = make_spec("windows", licence_seats=25)
    orders.check_seats(db, spec, 14)
    with pytest.raises(Invalid, match="only 14 licences left"):
        orders.check_seats(db, spec, 15)


def test_a_machine_that_would_break_a_booked_class_is_refused(db: Session, tom: Actor) -> None:
    book(db, tom, seats=28, starts_at=(TOMORROW + timedelta(days=100),))  # 31 seats of 32
    claims.place(db, make_vm_request(db, claimed=True), NOW)
    with pytest.raises(NoCapacity, match="the room that a class on 2026-06-11 has been promised"):
        claims.place(db, make_vm_request(db, claimed=True), NOW)
    assert capacity.cluster(db, now=NOW).free_with_reserve.memory_mib == -GIB  # the one that was refused waits


def test_a_class_that_is_over_or_cancelled_takes_nothing(db: Session, tom: Actor) -> None:
    (lab_session,) = book(db, tom, seats=28)
    lab_sessions.cancel(db, actor=tom, lab_session_id=lab_session.id, now=NOW)
    claims.place(db, make_vm_request(db, copies=20, claimed=True), NOW)
    assert capacity.cluster(db, now=NOW).booked == Amount()


def prepared(db: Session, lab_session: LabSession) -> dict[object, object]:
    """All its seats, placed."""
    machines = {
        uuid4(): [SeatClaim(uuid4(), "micro-linux", Amount(1, 1, 512, 1)) for _ in range(2)]
        for _ in range(lab_session.seats + lab_session.spares)
    }
    return dict(seat_claims.place_seats(db, lab_session, machines, NOW))


def test_a_class_counts_once_before_and_after_its_seats_are_made(db: Session, tom: Actor) -> None:
    (lab_session,) = book(db, tom, seats=28)
    before = capacity.cluster(db, now=NOW).free_with_reserve
    lab_session.move_to(LabSessionState.PREPARING)
    prepared(db, lab_session)
    assert capacity.cluster(db, now=NOW).free_with_reserve == before
    assert capacity.cluster(db, now=NOW).claimed.memory_mib == 31 * GIB
    assert book(db, tom, seats=28, starts_at=(TOMORROW + 3 * HOUR,))


def test_what_an_ended_class_still_holds_counts_until_it_is_let_go(db: Session, tom: Actor) -> None:
    lab_session = make_lab_session(db, seats=20, spares=2, state=LabSessionState.PREPARING)
    prepared(db, lab_session)
    lab_session.move_to(LabSessionState.ENDED)
    with pytest.raises(ClassDoesNotFit):
        book(db, tom)
    seat_claims.release_session(db, lab_session.id)
    assert book(db, tom)


def test_a_seats_machines_share_a_host_and_seats_are_spread(db: Session, tom: Actor) -> None:
    (lab_session,) = book(db, tom, seats=8)
    hosts = prepared(db, lab_session)
    assert Counter(host.name for host in hosts.values()) == {"hv1": 3, "hv2": 3, "hv3": 3}  # type: ignore[attr-defined]
    assert sorted(db.scalars(select(func.count()).select_from(Claim).group_by(Claim.host_id))) == [6, 6, 6]


def test_seats_keep_their_hosts_when_they_are_placed_again(db: Session, tom: Actor) -> None:
    (lab_session,) = book(db, tom, seats=8)
    machines = {uuid4(): [SeatClaim(uuid4(), "micro-linux", Amount(1, 1, 512, 1))] for _ in range(5)}
    first = seat_claims.place_seats(db, lab_session, machines, NOW)
    assert seat_claims.place_seats(db, lab_session, machines, NOW) == first
    assert db.scalar(select(func.count()).select_from(Claim)) == 5


def test_a_proven_class_is_placed_although_a_host_was_lost(db: Session, tom: Actor) -> None:
    (lab_session,) = book(db, tom, seats=28)
    db.scalars(select(Host)).first().trouble = "no answer"  # type: ignore[union-attr]
    assert Counter(host.name for host in prepared(db, lab_session).values()) == {"hv2": 16, "hv3": 15}  # type: ignore[attr-defined]


def test_two_who_book_at_once_do_not_both_get_the_last_room(
    write_sessions: sessionmaker[Session], sessions: sessionmaker[Session]
) -> None:
    with write_sessions.begin() as db:
        for number in (1, 2, 3):
            make_host(db, f"hv{number}")
        make_taught_lab(db)
        teachers = [actor_for(db, f"teacher{number}", role=Role.TEACHER) for number in range(6)]

    def try_to_book(teacher: Actor) -> bool:
        try:
            with write_sessions.begin() as db:
                book(db, teacher)
        except ClassDoesNotFit:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert Counter(threads.map(try_to_book, teachers)) == {True: 1, False: 5}
    with sessions() as db:
        assert db.scalar(select(func.count()).select_from(LabSession)) == 1


def test_booking_and_placing_at_once_never_promise_the_same_room(write_sessions: sessionmaker[Session]) -> None:
    with write_sessions.begin() as db:
        for number in (1, 2, 3):
            make_host(db, f"hv{number}")
        make_taught_lab(db)
        teacher = actor_for(db, "tom", role=Role.TEACHER)
        request_id = make_vm_request(db, copies=20, claimed=False).id

    def try_to_book() -> bool:
        with write_sessions.begin() as db:
            book(db, teacher, seats=28)
        return True

    def try_to_place() -> bool:
        with write_sessions.begin() as db:
            claims.place(db, db.get_one(claims.VmRequest, request_id), NOW)
        return True

    def outcome(attempt: object) -> bool:
        try:
            return bool(attempt())  # type: ignore[operator]
        except NoCapacity:
            return False

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(outcome, [try_to_book, try_to_place])) == [False, True]


def test_a_class_is_for_its_teacher_and_for_administrators(db: Session, tom: Actor) -> None:
    (lab_session,) = book(db, tom)
    admin = actor_for(db, "root", role=Role.ADMIN)
    for actor in (tom, admin):
        assert lab_sessions.get(db, actor=actor, lab_session_id=lab_session.id) is lab_session
    for login, role in (("eve", Role.TEACHER), ("ada", Role.REQUESTER), ("aud", Role.AUDITOR)):
        with pytest.raises(NotFound):
            lab_sessions.get(db, actor=actor_for(db, login, role=role), lab_session_id=lab_session.id)
    with pytest.raises(NotFound):
        lab_sessions.cancel(db, actor=actor_for(db, "eve"), lab_session_id=lab_session.id, now=NOW)


def test_one_date_of_a_series_is_skipped_and_its_room_is_free(db: Session, tom: Actor) -> None:
    first, second = book(db, tom, starts_at=(TOMORROW, TOMORROW + timedelta(weeks=1)))
    lab_sessions.cancel(db, actor=tom, lab_session_id=first.id, now=NOW, reason="strike")
    assert (first.state, second.state) == (LabSessionState.CANCELLED, LabSessionState.BOOKED)
    assert book(db, tom)
    with pytest.raises(Conflict):
        lab_sessions.cancel(db, actor=tom, lab_session_id=first.id, now=NOW)


def test_my_classes_come_soonest_first_and_are_found_by_words(db: Session, tom: Actor) -> None:
    later, sooner = (
        book(db, tom, starts_at=(TOMORROW + timedelta(days=days),), room=room)[0]
        for days, room in ((2, "Aula 1"), (1, "Sala 100%"))
    )
    book(db, actor_for(db, "eve", role=Role.TEACHER), seats=2)
    assert lab_sessions.mine(db, actor=tom, now=NOW).items == (sooner, later)
    assert lab_sessions.mine(db, actor=tom, now=NOW, words="sala 100%").items == (sooner,)
    assert lab_sessions.mine(db, actor=tom, now=NOW, past=True).items == ()
    assert lab_sessions.mine(db, actor=tom, now=NOW + timedelta(days=9), past=True).items == (later, sooner)


def test_the_calendar_shows_the_departments_classes(db: Session, tom: Actor) -> None:
    (lab_session,) = book(db, tom)
    (skipped,) = book(db, tom, seats=2)
    lab_sessions.cancel(db, actor=tom, lab_session_id=skipped.id, now=NOW)
    day = {"since": TOMORROW - 9 * HOUR, "until": TOMORROW + 15 * HOUR}
    assert lab_sessions.calendar(db, actor=actor_for(db, "eve", role=Role.TEACHER), **day) == [lab_session]
    stranger = actor_for(db, "kim", role=Role.TEACHER, department="radiologia")
    assert lab_sessions.calendar(db, actor=stranger, **day) == []
    assert lab_sessions.calendar(db, actor=tom, since=TOMORROW + HOUR, until=TOMORROW + 2 * HOUR) == []
