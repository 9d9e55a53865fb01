"""The list of a class's people: each comes in by a personal link, without a code and without typing a name."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, NotFound
from portal.core.languages import in_link, language_for
from portal.core.people import Person
from portal.core.policy import Actor
from portal.models import Invitation, LabSession, Student
from portal.services import class_notices, class_scopes, lab_sessions, seats, students
from portal.services.booking import note
from portal.services.login_sessions import hash_of
from portal.services.students import Joined

NO_SUCH_PERSON = N_("There is no such person on the list.")


@dataclass(frozen=True)
class PersonalLink:
    """`key` exists nowhere else: it is shown once, and stands in the mail to who has an address."""

    lab_session: LabSession
    name: str
    email: str
    key: str

    @property
    def path(self) -> str:
        languages = in_link(self.lab_session.languages)
        return f"/join/back?languages={languages}#{self.key}" if languages else f"/join/back#{self.key}"


def listed(db: Session, lab_session: LabSession) -> list[Invitation]:
    """Who may come by a personal link, by name."""
    query = select(Invitation).where(Invitation.lab_session_id == lab_session.id, Invitation.revoked_at.is_(None))
    return sorted(db.scalars(query), key=lambda one: one.name.casefold())


def invite(
    db: Session,
    *,
    actor: Actor,
    made: Sequence[LabSession],
    people: Sequence[Person],
    now: datetime,
    base_url: str = "",
    timezone: str,
) -> list[PersonalLink]:
    """Put people on the list of each of these classes; who has a mail address gets one letter with all their links.

    Raises Invalid, beside `people`, for a name that is there already and for more people than seats.
    """
    links = [link for lab_session in made for link in invite_to(db, lab_session, people, now)]
    if people:
        for lab_session in made:
            note(db, lab_session, actor=actor, action="lab_session.invited", now=now, people=len(people))
    send(db, made, links, now=now, base_url=base_url, timezone=timezone)
    return links


def invite_to(db: Session, lab_session: LabSession, people: Sequence[Person], now: datetime) -> list[PersonalLink]:
    names = students.names_in(db, lab_session)
    taken = {name.casefold() for name in names}
    for person in people:
        if person.name.casefold() in taken:
            raise Invalid(N_("“%(name)s” is on the list already, or in the class."), field="people", name=person.name)
    if len(names) + len(people) > lab_session.seats:
        free = max(lab_session.seats - len(names), 0)
        raise Invalid(N_("There are only %(free)s seats left for this list."), field="people", free=free)
    return [new_link(db, lab_session, person, now) for person in people]


def new_link(db: Session, lab_session: LabSession, person: Person, now: datetime) -> PersonalLink:
    key = secrets.token_urlsafe(32)
    row = Invitation(
        lab_session_id=lab_session.id, name=person.name, email=person.email, key_hash=hash_of(key), made_at=now
    )
    db.add(row)
    return PersonalLink(lab_session, person.name, person.email, key)


def send(
    db: Session,
    made: Sequence[LabSession],
    links: Sequence[PersonalLink],
    *,
    now: datetime,
    base_url: str,
    timezone: str,
) -> None:
    """One letter a person, in the teacher's language; none while nobody has said where the portal is."""
    by_person: dict[tuple[str, str], list[tuple[LabSession, str]]] = {}
    for link in links:
        if link.email and base_url:
            by_person.setdefault((link.name, link.email), []).append((link.lab_session, link.path))
    for (name, email), dates in by_person.items():
        class_notices.tell_invited(
            db, teacher=made[0].teacher, name=name, email=email, dates=dates, now=now, base_url=base_url,
            timezone=timezone,
        )  # fmt: skip


def add(
    db: Session,
    *,
    actor: Actor,
    lab_session_id: UUID,
    people: Sequence[Person],
    now: datetime,
    base_url: str,
    timezone: str,
) -> list[PersonalLink]:
    """More people for one class that is not over."""
    lab_session = open_class(db, actor, lab_session_id)
    if not people:
        raise Invalid(N_("Please write at least one name."), field="people")
    return invite(db, actor=actor, made=[lab_session], people=people, now=now, base_url=base_url, timezone=timezone)


def copy_on(
    db: Session, *, actor: Actor, lab_session_id: UUID, now: datetime, base_url: str, timezone: str
) -> list[PersonalLink]:
    """The people of this list come to the following dates of the series too; who is on a list already stays there.

    Raises Invalid if a date has no seat for one of them: then nobody was put anywhere.
    """
    lab_session = open_class(db, actor, lab_session_id)
    people = [Person(row.name, row.email) for row in listed(db, lab_session)]
    links: list[PersonalLink] = []
    for one in following(db, lab_session, now):
        there = {name.casefold() for name in students.names_in(db, one)}
        missing = [person for person in people if person.name.casefold() not in there]
        if missing:
            links += invite_to(db, one, missing, now)
            note(db, one, actor=actor, action="lab_session.invited", now=now, people=len(missing))
    if not links:
        raise Invalid(N_("All of them are on the lists of the following dates already."), field="people")
    send(db, [lab_session], links, now=now, base_url=base_url, timezone=timezone)
    return links


def following(db: Session, lab_session: LabSession, now: datetime) -> list[LabSession]:
    """The later dates of its series that are still to come."""
    return [one for one in class_scopes.to_come(db, lab_session, now) if one.starts_at > lab_session.starts_at]


def open_class(db: Session, actor: Actor, lab_session_id: UUID) -> LabSession:
    lab_session = lab_sessions.locked(db, actor, lab_session_id)
    if lab_session.state.is_final:
        raise Conflict(N_("This class is over."))
    return lab_session


def set_only_listed(db: Session, *, actor: Actor, lab_session_id: UUID, only: bool, now: datetime) -> None:
    """Whether the code opens the class; who is in stays in."""
    lab_session = open_class(db, actor, lab_session_id)
    if lab_session.only_listed != only:
        lab_session.only_listed = only
        action = "lab_session.only_listed" if only else "lab_session.code_opened"
        note(db, lab_session, actor=actor, action=action, now=now)


def renew(
    db: Session,
    *,
    actor: Actor,
    lab_session_id: UUID,
    invitation_ids: Iterable[UUID] | None,
    now: datetime,
    base_url: str,
    timezone: str,
) -> list[PersonalLink]:
    """New links for these people, or for all who have not come yet (None). The old ones lead nowhere from now on."""
    lab_session = open_class(db, actor, lab_session_id)
    wanted = None if invitation_ids is None else set(invitation_ids)
    rows = [row for row in listed(db, lab_session) if (row.student_id is None if wanted is None else row.id in wanted)]
    if not rows:
        raise NotFound(NO_SUCH_PERSON)
    links = [renewed(db, lab_session, row) for row in rows]
    note(db, lab_session, actor=actor, action="lab_session.links_renewed", now=now, people=len(links))
    send(db, [lab_session], links, now=now, base_url=base_url, timezone=timezone)
    return links


def renewed(db: Session, lab_session: LabSession, row: Invitation) -> PersonalLink:
    key = secrets.token_urlsafe(32)
    row.key_hash = hash_of(key)
    if row.student_id is not None:
        db.get_one(Student, row.student_id).key_hash = row.key_hash
    db.flush()
    return PersonalLink(lab_session, row.name, row.email, key)


def revoke(db: Session, *, actor: Actor, lab_session_id: UUID, invitation_id: UUID, now: datetime) -> Invitation:
    """The link leads nowhere any more. Whoever sat down by it already is shut out; their seat stays as it is."""
    lab_session = open_class(db, actor, lab_session_id)
    row = db.get(Invitation, invitation_id)
    if row is None or row.lab_session_id != lab_session.id or row.revoked_at is not None:
        raise NotFound(NO_SUCH_PERSON)
    row.revoked_at = now
    if row.student_id is not None:
        students.renew_key(db, db.get_one(Student, row.student_id))  # nobody learns the new one
    note(db, lab_session, actor=actor, action="lab_session.uninvited", now=now, student=row.name)
    return row


def come_in(db: Session, *, key: str, locale: str, now: datetime) -> Joined | None:
    """The person of this link in their class; None if it leads to none now. Opened again, also on another device,
    it leads to the same student. Raises Invalid, beside `key`, when it is too early.
    """
    row = waiting_for(db, key)
    if row is None:
        back = students.student_of(db, key)
        return Joined(back, key) if back else None
    lab_session = db.get_one(LabSession, row.lab_session_id)
    students.refuse_early(lab_session, now, field="key")
    student = Student(
        lab_session_id=row.lab_session_id,
        name=row.name,
        key_hash=row.key_hash,
        joined_at=now,
        seen_at=now,
        locale=language_for(lab_session.languages, locale),
    )
    db.add(student)
    db.flush()
    row.student_id = student.id
    seats.bump(db, row.lab_session_id)
    return Joined(student, key)


def waiting_for(db: Session, key: str) -> Invitation | None:
    """Whom this link waits for, with the class held: one link opened twice at once makes one student."""
    if not key or len(key) > students.LONGEST_KEY:
        return None
    of_key = (Invitation.key_hash == hash_of(key), Invitation.revoked_at.is_(None), Invitation.student_id.is_(None))
    in_class = select(LabSession).join(Invitation, Invitation.lab_session_id == LabSession.id)
    held = in_class.where(*of_key, LabSession.state.in_(students.OPEN)).with_for_update(of=LabSession)
    if db.scalar(held) is None:
        return None
    return db.scalar(select(Invitation).where(*of_key).execution_options(populate_existing=True))
