"""Personal links: who opens one is that person, on every device, until it is ended or the class is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, NotFound
from portal.core.lifecycle import LabSessionState, MailState
from portal.core.people import Person
from portal.core.policy import Actor
from portal.models import AuditEntry, Invitation, LabSession, Mail, Student
from portal.services import accounts, invitations, mails, retention, students
from portal.services.invitations import PersonalLink
from portal.services.login_sessions import hash_of
from tests.factories import make_lab_session
from tests.factories.moments import NOW

ANA, BEA = Person("Ana", "ana@example.org"), Person("Bea")


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def lab_session(db: Session) -> LabSession:
    return make_lab_session(db, join_code="K7M4QP", seats=3)


@pytest.fixture
def tom(lab_session: LabSession) -> Actor:
    return accounts.actor_of(lab_session.teacher)


def add(db: Session, tom: Actor, lab_session: LabSession, *people: Person) -> list[PersonalLink]:
    return invitations.add(
        db,
        actor=tom,
        lab_session_id=lab_session.id,
        people=people,
        now=NOW,
        base_url="https://vivero.example",
        timezone="Europe/Madrid",
    )


def come_in(db: Session, key: str) -> Student | None:
    joined = invitations.come_in(db, key=key, locale="es", now=NOW)
    return joined.student if joined else None


def test_only_the_hash_is_kept_and_the_link_makes_the_person(db: Session, tom: Actor, lab_session: LabSession) -> None:
    (link, _other) = add(db, tom, lab_session, ANA, BEA)
    row = invitations.listed(db, lab_session)[0]
    assert row.key_hash == hash_of(link.key)
    student = come_in(db, link.key)
    assert student is not None
    assert (student.name, row.student_id) == ("Ana", student.id)
    assert come_in(db, link.key) is student
    assert come_in(db, link.key + "x") is None


def test_a_link_ends_with_its_class_and_when_it_is_ended(db: Session, tom: Actor, lab_session: LabSession) -> None:
    ana, bea = add(db, tom, lab_session, ANA, BEA)
    come_in(db, ana.key)
    for row in invitations.listed(db, lab_session):
        invitations.revoke(db, actor=tom, lab_session_id=lab_session.id, invitation_id=row.id, now=NOW)
    assert [come_in(db, one.key) for one in (ana, bea)] == [None, None]
    (carla,) = add(db, tom, lab_session, Person("Carla"))
    lab_session.state = LabSessionState.ENDED
    db.flush()
    assert come_in(db, carla.key) is None
    with pytest.raises(Conflict):
        add(db, tom, lab_session, Person("Dora"))


def test_a_new_link_ends_the_old_one_and_keeps_the_student(db: Session, tom: Actor, lab_session: LabSession) -> None:
    (old,) = add(db, tom, lab_session, ANA)
    student = come_in(db, old.key)
    row = invitations.listed(db, lab_session)[0]
    (new,) = invitations.renew(
        db, actor=tom, lab_session_id=lab_session.id, invitation_ids=[row.id], now=NOW, base_url="", timezone="UTC"
    )
    assert come_in(db, old.key) is None
    assert come_in(db, new.key) is student
    with pytest.raises(NotFound):
        invitations.renew(
            db, actor=tom, lab_session_id=lab_session.id, invitation_ids=None, now=NOW, base_url="", timezone="UTC"
        )


def test_a_link_does_not_open_a_class_that_is_far_off(db: Session, tom: Actor, lab_session: LabSession) -> None:
    (link,) = add(db, tom, lab_session, ANA)
    lab_session.state, lab_session.starts_at = LabSessionState.BOOKED, NOW + timedelta(days=2)
    db.flush()
    with pytest.raises(Invalid, match="begins at"):
        come_in(db, link.key)


def test_names_and_seats_of_the_list_are_kept(db: Session, tom: Actor, lab_session: LabSession) -> None:
    add(db, tom, lab_session, ANA, BEA)
    with pytest.raises(Invalid, match="add something"):
        students.join(db, code="K7M4QP", name="ana", locale="es", now=NOW)
    students.join(db, code="K7M4QP", name="Carla", locale="es", now=NOW)
    with pytest.raises(Conflict, match="All seats"):
        students.join(db, code="K7M4QP", name="Dora", locale="es", now=NOW)
    for people in ([Person("bea")], [Person("CARLA")], [Person("Eva")]):
        with pytest.raises(Invalid) as refused:
            add(db, tom, lab_session, *people)
        assert refused.value.field == "people"


def test_the_code_opens_nothing_for_a_class_of_the_list_only(db: Session, tom: Actor, lab_session: LabSession) -> None:
    (link,) = add(db, tom, lab_session, ANA)
    invitations.set_only_listed(db, actor=tom, lab_session_id=lab_session.id, only=True, now=NOW)
    with pytest.raises(Invalid, match="personal link"):
        students.join(db, code="K7M4QP", name="Eve", locale="es", now=NOW)
    assert come_in(db, link.key) is not None


def test_who_has_an_address_gets_one_letter_in_the_teachers_language(db: Session, tom: Actor) -> None:
    dates = [make_lab_session(db, starts_at=NOW + timedelta(days=day), seats=3) for day in (1, 8)]
    dates[0].teacher.locale = "en"
    links = invitations.invite(
        db, actor=tom, made=dates, people=[ANA, BEA], now=NOW, base_url="https://vivero.example/", timezone="UTC"
    )
    (mail,) = db.scalars(select(Mail))
    assert (mail.receiver, len(links)) == ("ana@example.org", 4)
    assert "Hello Ana," in mail.text
    for link in links:
        assert (f"https://vivero.example/join/back#{link.key}" in mail.text) == (link.name == "Ana")


class Taken:
    def send(self, letter: object) -> None:
        """It went out."""


@pytest.mark.parametrize("kept", [False, True])
def test_a_letter_that_is_sent_opens_no_class_any_more(
    db: Session, tom: Actor, lab_session: LabSession, kept: bool
) -> None:
    (link,) = add(db, tom, lab_session, ANA)
    mails.send_due(db, Taken(), NOW, keep_links=kept)
    (mail,) = db.scalars(select(Mail))
    assert mail.state == MailState.SENT
    assert (link.key in mail.text, link.key in (mail.html or "")) == (kept, kept)


def test_others_cannot_touch_the_list_and_the_log_holds_no_address(
    db: Session, tom: Actor, lab_session: LabSession
) -> None:
    stranger = accounts.actor_of(make_lab_session(db).teacher)
    add(db, tom, lab_session, ANA)
    if stranger.account_id != tom.account_id:
        with pytest.raises(NotFound):
            add(db, stranger, lab_session, BEA)
    entries = db.scalars(select(AuditEntry).where(AuditEntry.action == "lab_session.invited")).all()
    assert [entry.details for entry in entries] == [{"people": 1}]


def test_names_are_forgotten_with_those_of_students(db: Session, tom: Actor, lab_session: LabSession) -> None:
    add(db, tom, lab_session, ANA)
    retention.forget_students(db, lab_session.ends_at + timedelta(days=366))
    assert db.scalars(select(Invitation)).all() == []


def test_a_personal_link_says_the_languages_of_its_class(db: Session) -> None:
    lab_session = make_lab_session(db, state=LabSessionState.BOOKED, languages=["en"])
    link = invitations.new_link(db, lab_session, Person("María"), NOW)
    assert link.path == f"/join/back?languages=en#{link.key}"
