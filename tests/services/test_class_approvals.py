"""Large classes wait for a second person: they hold their room, nothing is made for them, and they are decided once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from portal.core.class_limits import ApprovalLimit
from portal.core.errors import AlreadyDecided, ClassDoesNotFit, Conflict, Invalid, NotFound, OwnRequest
from portal.core.lifecycle import ClassApproval, LabSessionState
from portal.core.policy import Actor, Role
from portal.models import AuditEntry, LabSession, Mail
from portal.services import (
    class_approvals,
    class_clock,
    class_decision_cards,
    class_notices,
    lab_sessions,
    rehearsals,
    teaching,
    timetables,
)
from portal.services.lab_sessions import Wish
from portal.services.timetable_files import read_timetable
from tests.factories import actor_for, make_host
from tests.factories.lab_sessions import make_taught_lab
from tests.factories.moments import NOW
from tests.factories.queues import ListQueue

TOMORROW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
WISH = Wish("wiki-page", (TOMORROW,), minutes=60, seats=20, room="Aula 2")
LIMIT = ApprovalLimit(seats=15)
HOME = "https://vivero.example"
WEEKLY = tuple(TOMORROW + timedelta(weeks=week) for week in range(3))


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
def grace(db: Session, tom: Actor) -> Actor:
    return actor_for(db, "grace", role=Role.APPROVER)


def book(db: Session, actor: Actor, limit: ApprovalLimit = LIMIT, **changes: object) -> list[LabSession]:
    wish = replace(WISH, **changes)  # type: ignore[arg-type]
    return lab_sessions.book(db, actor=actor, wish=wish, now=NOW, limit=limit, base_url=HOME)


def letters(db: Session, login: str) -> list[str]:
    db.flush()
    query = select(Mail.subject).where(Mail.receiver == f"{login}@hospital.example").order_by(Mail.created_at, Mail.id)
    return list(db.scalars(query))


def test_a_class_within_the_limit_needs_nobody(db: Session, tom: Actor, grace: Actor) -> None:
    (lab_session,) = book(db, tom, seats=15)
    assert lab_session.approval == ClassApproval.NOT_NEEDED
    assert letters(db, "grace") == []


@pytest.mark.parametrize("limit", [ApprovalLimit(seats=19), ApprovalLimit(memory_mib=22 * 1024 - 1)])
def test_a_large_class_waits_and_approvers_hear_of_it(
    db: Session, tom: Actor, grace: Actor, limit: ApprovalLimit
) -> None:
    (lab_session,) = book(db, tom, limit)
    assert (lab_session.state, lab_session.waits_for_approval) == (LabSessionState.BOOKED, True)
    assert letters(db, "grace") == ["To decide: the class “A page”"]
    assert letters(db, "tom") == []


def test_what_waits_holds_its_room(db: Session, tom: Actor) -> None:
    book(db, tom)
    with pytest.raises(ClassDoesNotFit):
        book(db, tom, seats=12)


def test_nothing_is_made_for_a_class_that_waits(db: Session, tom: Actor) -> None:
    queue, (lab_session,) = ListQueue(), book(db, tom)
    assert class_clock.prepare_due(db, queue=queue, now=TOMORROW - timedelta(minutes=5)) == 0
    with pytest.raises(Conflict, match="waits for somebody"):
        teaching.prepare(db, lab_session=lab_session, queue=queue, now=NOW, by=tom)
    with pytest.raises(Conflict, match="waits for somebody"):
        rehearsals.ask(db, actor=tom, lab_session_id=lab_session.id, queue=queue, now=NOW)
    evening = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
    assert rehearsals.begin_due(db, queue=queue, now=evening, base_url="") is None
    assert class_notices.tell_due(db, now=TOMORROW - timedelta(minutes=5), base_url="") == 0
    assert queue.entries == []


def test_a_yes_lets_the_clock_prepare_it(db: Session, tom: Actor, grace: Actor) -> None:
    (lab_session,) = book(db, tom)
    class_approvals.approve(db, actor=grace, lab_session_id=lab_session.id, now=NOW, comment=" Good. ", base_url=HOME)
    assert (lab_session.approval, lab_session.decision_comment) == (ClassApproval.APPROVED, "Good.")
    assert (lab_session.decided_by_id, lab_session.decided_at) == (grace.account_id, NOW)
    assert letters(db, "tom") == ["Approved: the class “A page”"]
    assert class_clock.prepare_due(db, queue=ListQueue(), now=TOMORROW - timedelta(minutes=5)) == 1
    actions = list(db.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert actions[:3] == ["lab_session.booked", "lab_session.approval_asked", "lab_session.approved"]


def test_a_no_cancels_it_and_says_why(db: Session, tom: Actor, grace: Actor) -> None:
    (lab_session,) = book(db, tom)
    reason = "That day the hospital is inspected."
    class_approvals.deny(db, actor=grace, lab_session_id=lab_session.id, reason=reason, now=NOW, base_url=HOME)
    assert (lab_session.state, lab_session.approval) == (LabSessionState.CANCELLED, ClassApproval.DENIED)
    assert letters(db, "tom") == ["Denied: the class “A page”"]
    assert reason in db.scalars(select(Mail.text).where(Mail.subject.startswith("Denied"))).one()
    book(db, tom)  # its room is free again


@pytest.mark.parametrize("reason", ["", "  ", "no", "x" * 2001, "because\x00"])
def test_a_no_needs_words(db: Session, tom: Actor, grace: Actor, reason: str) -> None:
    (lab_session,) = book(db, tom)
    with pytest.raises(Invalid) as refused:
        class_approvals.deny(db, actor=grace, lab_session_id=lab_session.id, reason=reason, now=NOW)
    assert refused.value.field == "reason"
    assert lab_session.waits_for_approval


def test_nobody_decides_on_their_own_class(db: Session, tom: Actor) -> None:
    (lab_session,) = book(db, tom)
    with pytest.raises(OwnRequest):
        class_approvals.approve(db, actor=tom, lab_session_id=lab_session.id, now=NOW)
    alan = actor_for(db, "alan", role=Role.ADMIN)
    (other,) = book(db, alan, starts_at=(TOMORROW + timedelta(days=1),), department_id=lab_session.department_id)
    with pytest.raises(OwnRequest):
        class_approvals.approve(db, actor=alan, lab_session_id=other.id, now=NOW)


@pytest.mark.parametrize("role", [Role.REQUESTER, Role.TEACHER, Role.STUDENT, Role.AUDITOR])
def test_who_may_not_approve_finds_no_class_to_decide(db: Session, tom: Actor, role: Role) -> None:
    (lab_session,) = book(db, tom)
    with pytest.raises(NotFound):
        class_approvals.approve(db, actor=actor_for(db, role=role), lab_session_id=lab_session.id, now=NOW)


def test_approvers_decide_in_their_own_departments_only(db: Session, tom: Actor) -> None:
    (lab_session,) = book(db, tom)
    eve = actor_for(db, "eve", role=Role.APPROVER, department="radiologia")
    with pytest.raises(NotFound):
        class_approvals.deny(db, actor=eve, lab_session_id=lab_session.id, reason="Not here", now=NOW)
    assert class_decision_cards.waiting(db, actor=eve, now=NOW) == []


def test_a_series_is_decided_in_one_go(db: Session, tom: Actor, grace: Actor) -> None:
    made = book(db, tom, starts_at=WEEKLY)
    assert len(letters(db, "grace")) == 1
    lab_sessions.cancel(db, actor=tom, lab_session_id=made[0].id, now=NOW)
    decided = class_approvals.approve(db, actor=grace, lab_session_id=made[2].id, now=NOW)
    assert [one.id for one in decided] == [made[1].id, made[2].id]
    assert [one.approval for one in made] == [ClassApproval.LAPSED, ClassApproval.APPROVED, ClassApproval.APPROVED]
    with pytest.raises(AlreadyDecided, match="by Grace"):
        class_approvals.deny(db, actor=grace, lab_session_id=made[1].id, reason="Too late", now=NOW)


def test_a_decision_is_about_what_was_read(db: Session, tom: Actor, grace: Actor) -> None:
    (lab_session,) = book(db, tom)
    class_approvals.ask(db, [lab_session], by=tom, limit=LIMIT, now=NOW + timedelta(minutes=1))
    with pytest.raises(Conflict, match="changed this class meanwhile"):
        class_approvals.approve(db, actor=grace, lab_session_id=lab_session.id, now=NOW, seen=NOW)


def test_of_many_decisions_at_once_one_counts(
    db: Session, tom: Actor, grace: Actor, write_sessions: sessionmaker[Session]
) -> None:
    (lab_session,) = book(db, tom)
    class_id = lab_session.id
    db.commit()

    def decide(number: int) -> bool:
        try:
            with write_sessions.begin() as own:
                if number % 2:
                    class_approvals.approve(own, actor=grace, lab_session_id=class_id, now=NOW)
                else:
                    class_approvals.deny(own, actor=grace, lab_session_id=class_id, reason="Not now", now=NOW)
        except AlreadyDecided:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(decide, range(8))) == 1


def test_undecided_when_it_ought_to_be_prepared_everybody_is_reminded_once(
    db: Session, tom: Actor, grace: Actor
) -> None:
    book(db, tom)
    late = TOMORROW - timedelta(minutes=15)
    assert class_approvals.remind_due(db, now=late - timedelta(seconds=1), base_url=HOME) == 0
    assert class_approvals.remind_due(db, now=late, base_url=HOME) == 1
    assert class_approvals.remind_due(db, now=late + timedelta(minutes=1), base_url=HOME) == 0
    assert letters(db, "grace")[-1] == letters(db, "tom")[-1] == "Still undecided: the class “A page”"


def test_undecided_at_its_hour_it_is_cancelled(db: Session, tom: Actor, grace: Actor) -> None:
    (lab_session,) = book(db, tom)
    assert class_approvals.cancel_undecided(db, now=TOMORROW - timedelta(seconds=1), base_url=HOME) == 0
    assert class_approvals.cancel_undecided(db, now=TOMORROW, base_url=HOME) == 1
    assert (lab_session.state, lab_session.approval) == (LabSessionState.CANCELLED, ClassApproval.LAPSED)
    assert "nobody had decided" in lab_session.trouble
    assert letters(db, "tom") == ["Cancelled: the class “A page”"]
    with pytest.raises(AlreadyDecided, match="any more"):
        class_approvals.approve(db, actor=grace, lab_session_id=lab_session.id, now=TOMORROW)


def test_who_decides_sees_what_is_left_for_others(db: Session, tom: Actor, grace: Actor) -> None:
    made = book(db, tom, starts_at=WEEKLY)
    book(db, tom, seats=5, starts_at=(WEEKLY[1],))
    (card,) = class_decision_cards.waiting(db, actor=grace, now=NOW)
    assert [one.id for one in card.dates] == [one.id for one in made]
    assert (card.takes.memory_mib, card.takes.vcpus) == (22 * 1024, 44)
    assert card.room.memory_mib - card.left.memory_mib == (22 + 6) * 1024  # on the second date
    assert card.fits
    assert not card.own


def test_rows_of_a_timetable_are_one_series_and_one_question(db: Session, tom: Actor, grace: Actor) -> None:
    terms = timetables.Terms(tom, None, 20, NOW, 1, "Europe/Madrid", limit=LIMIT, base_url=HOME)
    table = "\n".join(f"wiki-page;{day}/03/2026 10:00;60;20" for day in ("03", "10", "17"))
    tried = timetables.try_out(db, read_timetable(table, "Europe/Madrid"), terms)
    assert [line.waits for line in tried] == [True, True, True]
    assert letters(db, "grace") == []
    lines = timetables.book_all(db, read_timetable(table, "Europe/Madrid"), terms)
    made = [line.made for line in lines if line.made]
    assert len({one.series_id for one in made}) == 1
    assert all(one.waits_for_approval for one in made)
    assert len(letters(db, "grace")) == 1
