"""A class gets more time, if it still fits then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.calendar import LEAD, TIDYING
from portal.core.errors import ClassDoesNotFit, Conflict, Invalid, NotFound
from portal.core.lifecycle import LabSessionState
from portal.core.policy import Actor, Role
from portal.models import AuditEntry, LabSession
from portal.services import accounts, teaching
from tests.factories import actor_for, make_host
from tests.factories.lab_sessions import make_lab_session
from tests.factories.moments import NOW

ENDS_AT = NOW + timedelta(minutes=50)
BETWEEN = TIDYING + LEAD  # from one class's end to the other's beginning, if both need all hosts


@pytest.fixture
def lab_session(db: Session) -> LabSession:
    """A class of 20 seats, on now, on a cluster that carries 32 with a host lost."""
    for number in (1, 2, 3):
        make_host(db, f"hv{number}")
    starts_at = ENDS_AT - timedelta(hours=1)
    return make_lab_session(db, starts_at=starts_at, state=LabSessionState.RUNNING, seats=20, spares=2)


def prolong(db: Session, lab_session: LabSession, minutes: int, *, actor: Actor | None = None) -> None:
    teacher = accounts.actor_of(lab_session.teacher)
    teaching.prolong(db, actor=actor or teacher, lab_session_id=lab_session.id, minutes=minutes, now=NOW)


def behind(db: Session, minutes: int, *, seats: int = 20) -> LabSession:
    """Another class that begins to be prepared so long after the first is tidied away."""
    return make_lab_session(db, starts_at=ENDS_AT + BETWEEN + timedelta(minutes=minutes), seats=seats, spares=2)


def test_a_class_ends_later_and_the_log_says_so(db: Session, lab_session: LabSession) -> None:
    db.refresh(lab_session)
    before = lab_session.revision
    prolong(db, lab_session, 15)
    assert (lab_session.ends_at, lab_session.revision) == (ENDS_AT + timedelta(minutes=15), before + 1)
    entry = db.query(AuditEntry).where(AuditEntry.action == "lab_session.prolonged").one()
    assert entry.details == {"minutes": 15}


def test_it_is_prolonged_again_from_its_new_end(db: Session, lab_session: LabSession) -> None:
    prolong(db, lab_session, 15)
    prolong(db, lab_session, 30)
    assert lab_session.ends_at == ENDS_AT + timedelta(minutes=45)


@pytest.mark.parametrize("minutes", [15, 16])
def test_only_as_long_as_the_class_behind_it_needs_no_room(db: Session, lab_session: LabSession, minutes: int) -> None:
    behind(db, 15)
    if minutes == 15:
        prolong(db, lab_session, minutes)
        return
    with pytest.raises(ClassDoesNotFit):
        prolong(db, lab_session, minutes)
    assert lab_session.ends_at == ENDS_AT


def test_a_small_class_behind_it_does_not_hinder(db: Session, lab_session: LabSession) -> None:
    behind(db, 0, seats=8)
    prolong(db, lab_session, 60)
    assert lab_session.ends_at == ENDS_AT + timedelta(minutes=60)


def test_a_class_that_is_over_hinders_nobody(db: Session, lab_session: LabSession) -> None:
    behind(db, 0).state = LabSessionState.CANCELLED
    prolong(db, lab_session, 60)


@pytest.mark.parametrize("minutes", [0, -5, teaching.MOST_PROLONGED_MIN + 1])
def test_too_little_and_too_much_is_refused_beside_its_field(
    db: Session, lab_session: LabSession, minutes: int
) -> None:
    with pytest.raises(Invalid) as caught:
        prolong(db, lab_session, minutes)
    assert caught.value.field == "minutes"


@pytest.mark.parametrize("state", sorted(set(LabSessionState) - {LabSessionState.READY, LabSessionState.RUNNING}))
def test_only_a_class_that_is_on_gets_more_time(db: Session, lab_session: LabSession, state: LabSessionState) -> None:
    lab_session.state = state
    db.flush()
    with pytest.raises(Conflict):
        prolong(db, lab_session, 15)


def test_another_teacher_does_not_find_the_class(db: Session, lab_session: LabSession) -> None:
    with pytest.raises(NotFound):
        prolong(db, lab_session, 15, actor=actor_for(db, "eve", role=Role.TEACHER))
