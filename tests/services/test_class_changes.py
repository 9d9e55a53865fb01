"""Changing classes: one date or many of a series, by the clock on the wall, on all of them or on none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.calendar import LEAD
from portal.core.class_limits import ApprovalLimit
from portal.core.errors import ClassDoesNotFit, Conflict, DatesDoNotFit, Invalid, NotFound
from portal.core.lifecycle import ClassApproval, LabSessionState
from portal.core.people import Person
from portal.core.policy import Actor, Role
from portal.core.series import Scope
from portal.models import AuditEntry, LabSession, Mail
from portal.services import class_changes, class_scopes, invitations, lab_sessions
from portal.services.class_targets import Change, Terms
from portal.services.lab_sessions import Wish
from tests.factories import actor_for, make_host
from tests.factories.lab_sessions import make_taught_lab
from tests.factories.moments import NOW

HOUR = timedelta(hours=1)
WEEK = timedelta(weeks=1)
FIRST = datetime(2026, 3, 17, 9, 0, tzinfo=UTC)  # a Tuesday, ten o'clock in Madrid; on the 29th the clocks go forward
DATES = (FIRST, FIRST + WEEK, FIRST + 2 * WEEK - HOUR, FIRST + 3 * WEEK - HOUR)
WISH = Wish("wiki-page", DATES, minutes=60, seats=20, room="Aula 2")
TERMS = Terms(NOW)


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


@pytest.fixture
def series(db: Session, tom: Actor) -> list[LabSession]:
    return book(db, tom)


def book(db: Session, actor: Actor, **changes: object) -> list[LabSession]:
    return lab_sessions.book(db, actor=actor, wish=replace(WISH, **changes), now=NOW)  # type: ignore[arg-type]


def change(
    db: Session,
    actor: Actor,
    one: LabSession,
    scope: Scope = Scope.THIS,
    *,
    skip: tuple[object, ...] = (),
    terms: Terms = TERMS,
    **wanted: object,
) -> list[LabSession]:
    return class_changes.change(
        db, actor=actor, lab_session_id=one.id, wanted=Change(**wanted), terms=terms, scope=scope,  # type: ignore[arg-type]
        skip=skip,  # type: ignore[arg-type]
    )  # fmt: skip


def starts(series: list[LabSession]) -> list[str]:
    return [f"{one.starts_at:%m-%d %H:%M}" for one in series]


def test_dates_that_were_booked_together_are_a_series(series: list[LabSession], db: Session, tom: Actor) -> None:
    assert len({one.series_id for one in series}) == 1
    assert series[0].series_id is not None
    (alone,) = book(db, tom, starts_at=(FIRST + timedelta(days=1),))
    assert alone.series_id is None


def test_this_date_moves_alone(db: Session, tom: Actor, series: list[LabSession]) -> None:
    before = starts(series)
    change(db, tom, series[1], starts_at=FIRST + WEEK + 2 * HOUR)
    assert starts(series) == [before[0], "03-24 11:00", *before[2:]]
    moved = series[1]
    assert (moved.ends_at - moved.starts_at, moved.starts_at - moved.prepare_at) == (HOUR, LEAD)


def test_this_and_the_following_move_by_the_clock_on_the_wall(
    db: Session, tom: Actor, series: list[LabSession]
) -> None:
    changed = change(db, tom, series[1], Scope.FOLLOWING, starts_at=FIRST + WEEK + timedelta(days=2, minutes=90))
    assert changed == series[1:]
    assert starts(series) == ["03-17 09:00", "03-26 10:30", "04-02 09:30", "04-09 09:30"]  # always 11:30


def test_all_that_are_to_come_move_but_none_that_is_over(db: Session, tom: Actor, series: list[LabSession]) -> None:
    series[0].state = LabSessionState.ENDED
    lab_sessions.cancel(db, actor=tom, lab_session_id=series[2].id, now=NOW)
    change(db, tom, series[3], Scope.ALL, starts_at=DATES[3] + 3 * HOUR)
    assert starts(series) == ["03-17 09:00", "03-24 12:00", "03-31 08:00", "04-07 11:00"]


def test_a_date_that_was_moved_before_keeps_its_difference(db: Session, tom: Actor, series: list[LabSession]) -> None:
    change(db, tom, series[1], starts_at=FIRST + WEEK + HOUR)
    change(db, tom, series[0], Scope.ALL, starts_at=FIRST + 2 * HOUR)
    assert starts(series)[:2] == ["03-17 11:00", "03-24 12:00"]


def test_seats_room_and_languages_of_many_change_at_once(db: Session, tom: Actor, series: list[LabSession]) -> None:
    revisions = [one.revision for one in series]
    change(db, tom, series[0], Scope.ALL, seats=10, room=" Sala 1 ", languages=("en",))
    for one in series:
        assert (one.seats, one.spares, one.room, one.languages) == (10, 1, "Sala 1", ["en"])
    assert all(one.revision > before for one, before in zip(series, revisions, strict=True))  # calendars read it again
    actions = list(db.scalars(select(AuditEntry.action)))
    assert actions.count("lab_session.changed") == 4


def test_what_is_not_said_stays(db: Session, tom: Actor, series: list[LabSession]) -> None:
    change(db, tom, series[0], Scope.ALL)
    assert (series[0].seats, series[0].room, series[0].languages) == (20, "Aula 2", ["es", "en"])
    assert "lab_session.changed" not in list(db.scalars(select(AuditEntry.action)))


def test_nothing_is_changed_unless_all_dates_fit(db: Session, tom: Actor, series: list[LabSession]) -> None:
    (other,) = book(db, tom, starts_at=(DATES[2] + 3 * HOUR,))
    before = starts(series)
    with pytest.raises(DatesDoNotFit, match="1 of 4 dates") as refused:
        change(db, tom, series[0], Scope.ALL, starts_at=FIRST + 3 * HOUR)
    (misfit,) = refused.value.misfits
    assert (misfit.lab_session_id, misfit.starts_at) == (series[2].id, DATES[2])
    assert "lacks 12.0 GB of memory" in str(misfit.error)
    assert starts(series) == before
    change(db, tom, series[0], Scope.ALL, skip=(series[2].id,), starts_at=FIRST + 3 * HOUR)
    assert starts(series) == ["03-17 12:00", "03-24 12:00", before[2], "04-07 11:00"]
    assert other.starts_at == DATES[2] + 3 * HOUR


def test_a_date_for_which_the_clocks_leave_no_hour_is_named(db: Session, tom: Actor) -> None:
    """The Sunday on which there is no half past two."""
    night = datetime(2026, 3, 22, 0, 0, tzinfo=UTC)
    series = book(db, tom, starts_at=(night, night + WEEK))
    with pytest.raises(DatesDoNotFit) as refused:
        change(db, tom, series[0], Scope.ALL, starts_at=night + timedelta(minutes=90))
    assert [misfit.lab_session_id for misfit in refused.value.misfits] == [series[1].id]
    assert "clocks go forward" in str(refused.value.misfits[0].error)


def test_dates_that_would_be_over_or_stand_on_each_other_are_named(
    db: Session, tom: Actor, series: list[LabSession]
) -> None:
    with pytest.raises(DatesDoNotFit) as refused:
        change(db, tom, series[2], Scope.FOLLOWING, starts_at=DATES[1])
    assert "overlap" in str(refused.value.misfits[0].error)
    with pytest.raises(DatesDoNotFit) as refused:
        change(db, tom, series[3], Scope.ALL, starts_at=DATES[3] - 3 * WEEK)
    assert {misfit.lab_session_id for misfit in refused.value.misfits} >= {series[0].id}


def test_one_date_says_what_would_fit_instead(db: Session, tom: Actor, series: list[LabSession]) -> None:
    book(db, tom, starts_at=(FIRST + 4 * HOUR,))
    with pytest.raises(ClassDoesNotFit) as refused:
        change(db, tom, series[0], starts_at=FIRST + 4 * HOUR)
    assert refused.value.alternatives
    change(db, tom, series[0], starts_at=FIRST + timedelta(minutes=15))  # never in its own way
    assert series[0].starts_at == FIRST + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"seats": 0}, "seats"),
        ({"seats": 41}, "seats"),
        ({"room": "x" * 121}, "room"),
        ({"room": "Aula\x00"}, "room"),
        ({"languages": ()}, "languages"),
        ({"languages": ("fr",)}, "languages"),
        ({"starts_at": NOW}, "at"),
        ({"starts_at": NOW - timedelta(days=3)}, "day"),
        ({"starts_at": NOW + timedelta(days=400)}, "day"),
        ({"starts_at": datetime(9999, 12, 31, 23, tzinfo=UTC)}, "day"),
    ],
)
def test_what_makes_no_sense_is_told_beside_its_field(
    db: Session, tom: Actor, series: list[LabSession], wanted: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        change(db, tom, series[0], **wanted)
    assert refused.value.field == field


@pytest.mark.parametrize("scope", list(Scope))
def test_a_number_of_seats_that_is_none_is_said_once(
    db: Session, tom: Actor, series: list[LabSession], scope: Scope
) -> None:
    with pytest.raises(Invalid) as refused:
        change(db, tom, series[0], scope, seats=41)
    assert refused.value.field == "seats"


def test_no_class_becomes_smaller_than_its_list(db: Session, tom: Actor, series: list[LabSession]) -> None:
    people = [Person("Ana"), Person("Bea"), Person("Eva")]
    links = invitations.invite(db, actor=tom, made=[series[1]], people=people, now=NOW, timezone="Europe/Madrid")
    with pytest.raises(DatesDoNotFit) as refused:
        change(db, tom, series[0], Scope.ALL, seats=2)
    assert [misfit.lab_session_id for misfit in refused.value.misfits] == [series[1].id]
    change(db, tom, series[0], Scope.ALL, seats=3, starts_at=FIRST + HOUR)
    soon = series[1].starts_at - timedelta(minutes=5)
    assert invitations.come_in(db, key=links[0].key, locale="es", now=soon)  # links stay good


def test_only_its_teacher_changes_a_series(db: Session, tom: Actor, series: list[LabSession]) -> None:
    for other in (actor_for(db, "eve", role=Role.TEACHER), actor_for(db, "gus", role=Role.APPROVER)):
        with pytest.raises(NotFound):
            change(db, other, series[0], Scope.ALL, seats=2)
        with pytest.raises(NotFound):
            class_scopes.cancel(db, actor=other, lab_session_id=series[0].id, scope=Scope.ALL, now=NOW)
    change(db, actor_for(db, "root", role=Role.ADMIN), series[0], Scope.ALL, seats=2)


def test_a_class_that_is_being_prepared_stays_as_it_is(db: Session, tom: Actor, series: list[LabSession]) -> None:
    series[0].move_to(LabSessionState.PREPARING)
    for scope in Scope:
        with pytest.raises(Conflict):
            change(db, tom, series[0], scope, seats=2)
    change(db, tom, series[1], Scope.ALL, seats=2)
    assert [one.seats for one in series] == [20, 2, 2, 2]


def test_leaving_all_dates_out_changes_nothing(db: Session, tom: Actor, series: list[LabSession]) -> None:
    with pytest.raises(Invalid) as refused:
        change(db, tom, series[0], Scope.ALL, skip=tuple(one.id for one in series), seats=2)
    assert refused.value.field == "scope"
    change(db, tom, series[0], Scope.ALL, skip=(uuid4(),), seats=2)  # nobody's


def test_many_are_cancelled_at_once(db: Session, tom: Actor, series: list[LabSession]) -> None:
    class_scopes.cancel(db, actor=tom, lab_session_id=series[2].id, scope=Scope.FOLLOWING, now=NOW)
    states = [one.state for one in series]
    assert states == [*2 * [LabSessionState.BOOKED], *2 * [LabSessionState.CANCELLED]]
    class_scopes.cancel(db, actor=tom, lab_session_id=series[1].id, scope=Scope.ALL, now=NOW)
    assert {one.state for one in series} == {LabSessionState.CANCELLED}


LIMIT = Terms(NOW, limit=ApprovalLimit(seats=22), base_url="https://vivero.example")


def test_growing_over_the_limit_asks_for_approval(db: Session, tom: Actor, series: list[LabSession]) -> None:
    actor_for(db, "grace", role=Role.APPROVER)
    change(db, tom, series[1], Scope.FOLLOWING, terms=LIMIT, seats=23)
    assert [one.waits_for_approval for one in series] == [False, True, True, True]
    db.flush()
    assert len(list(db.scalars(select(Mail.id).where(Mail.receiver == "grace@hospital.example")))) == 1
    change(db, tom, series[1], Scope.FOLLOWING, terms=LIMIT, seats=22)
    assert {one.approval for one in series} == {ClassApproval.NOT_NEEDED}


def test_moving_what_was_approved_asks_anew_and_renaming_its_room_does_not(
    db: Session, tom: Actor, series: list[LabSession]
) -> None:
    change(db, tom, series[0], terms=LIMIT, seats=23)
    series[0].approval = ClassApproval.APPROVED
    change(db, tom, series[0], terms=LIMIT, room="Sala 9")
    assert series[0].approval == ClassApproval.APPROVED
    change(db, tom, series[0], terms=LIMIT, starts_at=FIRST + HOUR)
    assert series[0].waits_for_approval


def test_calendar_programs_know_a_moved_date_again(db: Session, tom: Actor, series: list[LabSession]) -> None:
    """Its name there is its id, which stays."""
    ids = [one.id for one in series]
    change(db, tom, series[0], Scope.ALL, starts_at=FIRST + HOUR)
    assert [one.id for one in series] == ids


def test_a_list_of_people_is_copied_to_the_following_dates(db: Session, tom: Actor, series: list[LabSession]) -> None:
    where = {"now": NOW, "base_url": "https://vivero.example", "timezone": "Europe/Madrid"}
    ana, bea = Person("Ana", "ana@example.org"), Person("Bea")
    invitations.invite(db, actor=tom, made=[series[1]], people=[ana, bea], **where)  # type: ignore[arg-type]
    invitations.invite(db, actor=tom, made=[series[2]], people=[Person("ana")], **where)  # type: ignore[arg-type]
    links = invitations.copy_on(db, actor=tom, lab_session_id=series[1].id, **where)  # type: ignore[arg-type]
    given = [(link.lab_session.id, link.name) for link in links]
    assert given == [(series[2].id, "Bea"), (series[3].id, "Ana"), (series[3].id, "Bea")]
    assert invitations.listed(db, series[0]) == []
    with pytest.raises(Invalid, match="already"):
        invitations.copy_on(db, actor=tom, lab_session_id=series[1].id, **where)  # type: ignore[arg-type]
    eve = actor_for(db, "eve", role=Role.TEACHER)
    with pytest.raises(NotFound):
        invitations.copy_on(db, actor=eve, lab_session_id=series[1].id, **where)  # type: ignore[arg-type]
