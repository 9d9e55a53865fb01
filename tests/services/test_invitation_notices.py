"""Letters to people on the list: one a person when their dates are moved or cancelled, whoever does it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.class_limits import ApprovalLimit
from portal.core.errors import DatesDoNotFit
from portal.core.lifecycle import LabSessionState
from portal.core.people import Person
from portal.core.policy import Actor, Role
from portal.core.series import Scope
from portal.models import LabSession, Mail
from portal.services import class_approvals, class_changes, class_scopes, invitation_notices, invitations, lab_sessions
from portal.services.class_targets import Change, Terms
from tests.factories import actor_for, make_host
from tests.factories.lab_sessions import make_taught_lab
from tests.factories.moments import NOW
from tests.services.test_class_changes import FIRST, HOUR, WEEK, WISH

ANA, BEA, CARLA = Person("Ana", "ana@example.org"), Person("Bea"), Person("Carla", "carla@example.org")
TERMS = Terms(NOW)


@pytest.fixture
def tom(db: Session) -> Actor:
    """Tom teaches, on a cluster that carries 32 seats with a host lost."""
    for number in (1, 2, 3):
        make_host(db, f"hv{number}")
    make_taught_lab(db)
    return actor_for(db, "tom", role=Role.TEACHER)


@pytest.fixture
def series(db: Session, tom: Actor) -> list[LabSession]:
    """Ana comes to all dates, Carla to the second one only, and Bea has no address."""
    made = lab_sessions.book(db, actor=tom, wish=WISH, now=NOW)
    for dates, people in ((made, (ANA, BEA)), (made[1:2], (CARLA,))):
        invitations.invite(db, actor=tom, made=dates, people=people, now=NOW, timezone="Europe/Madrid")
    return made


def letters(db: Session) -> list[Mail]:
    db.flush()
    query = select(Mail).where(Mail.receiver.endswith("@example.org")).order_by(Mail.receiver, Mail.created_at)
    return list(db.scalars(query))


def change(db: Session, tom: Actor, one: LabSession, scope: Scope = Scope.THIS, **wanted: object) -> None:
    class_changes.change(db, actor=tom, lab_session_id=one.id, wanted=Change(**wanted), terms=TERMS, scope=scope)  # type: ignore[arg-type]


def test_who_is_on_the_list_reads_the_old_and_the_new_time(db: Session, tom: Actor, series: list[LabSession]) -> None:
    change(db, tom, series[0], starts_at=FIRST + 2 * HOUR)
    (letter,) = letters(db)
    assert (letter.receiver, letter.subject) == ("ana@example.org", "Changed: the class “A page”")
    assert "Until now: Tuesday, 17 March 2026, 10:00:00" in letter.text
    assert "From now on: Tuesday, 17 March 2026, 12:00:00" in letter.text


def test_several_dates_stand_in_one_letter(db: Session, tom: Actor, series: list[LabSession]) -> None:
    change(db, tom, series[0], Scope.ALL, starts_at=FIRST + HOUR)
    ana, carla = letters(db)
    assert (ana.text.count("Until now"), carla.text.count("Until now")) == (4, 1)


def test_another_room_is_told_and_more_seats_are_not(db: Session, tom: Actor, series: list[LabSession]) -> None:
    change(db, tom, series[0], seats=21)
    assert letters(db) == []
    change(db, tom, series[0], room="Aula 3")
    (letter,) = letters(db)
    assert "Aula 2\n" in letter.text
    assert "Aula 3\n" in letter.text


def test_nobody_is_told_of_a_change_that_does_not_fit(db: Session, tom: Actor, series: list[LabSession]) -> None:
    lab_sessions.book(db, actor=tom, wish=replace(WISH, starts_at=(FIRST + WEEK + 5 * HOUR,)), now=NOW)
    with pytest.raises(DatesDoNotFit):
        change(db, tom, series[0], Scope.ALL, starts_at=FIRST + 5 * HOUR)
    assert letters(db) == []


def test_a_cancelled_date_is_told_to_those_who_had_it(db: Session, tom: Actor, series: list[LabSession]) -> None:
    ana = invitations.listed(db, series[1])[0]
    invitations.revoke(db, actor=tom, lab_session_id=series[1].id, invitation_id=ana.id, now=NOW)
    class_scopes.cancel(db, actor=tom, lab_session_id=series[1].id, scope=Scope.THIS, now=NOW)
    (letter,) = letters(db)
    assert (letter.receiver, letter.subject) == ("carla@example.org", "Cancelled: the class “A page”")
    assert "Cancelled date: Tuesday, 24 March 2026" in letter.text


def test_the_page_counts_people_and_not_dates(db: Session, series: list[LabSession]) -> None:
    assert len(invitation_notices.readers_of(db, series)) == 2


@pytest.mark.parametrize("denied", [True, False])
def test_who_is_on_the_list_hears_that_nobody_agreed(
    db: Session, tom: Actor, series: list[LabSession], *, denied: bool
) -> None:
    one = series[1]
    class_approvals.ask(db, [one], by=tom, limit=ApprovalLimit(seats=5), now=NOW)
    if denied:
        grace = actor_for(db, "grace", role=Role.APPROVER)
        class_approvals.deny(db, actor=grace, lab_session_id=one.id, reason="Not that day", now=NOW)
    else:
        class_approvals.cancel_undecided(db, now=one.starts_at + timedelta(seconds=1), base_url="")
    assert one.state == LabSessionState.CANCELLED
    assert [letter.receiver for letter in letters(db)] == ["ana@example.org", "carla@example.org"]
    assert "Not that day" not in letters(db)[0].text


def test_letters_speak_the_language_of_the_teacher(db: Session, tom: Actor, series: list[LabSession]) -> None:
    series[0].teacher.locale = "es"
    class_scopes.cancel(db, actor=tom, lab_session_id=series[0].id, scope=Scope.ALL, now=NOW)
    assert letters(db)[0].subject == "Anulada: la clase «Una página»"
