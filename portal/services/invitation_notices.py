"""Letters to people on the list of a class when their dates are moved or cancelled, in the transaction that does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_
from portal.core.lease import DEFAULT_TIMEZONE
from portal.models import Invitation, LabSession
from portal.services import mails
from portal.services.class_notices import title_of
from portal.services.letters import Body, as_html, as_text, moment_in_words, translate

CHANGED = N_(
    "Your class “%(title)s” with %(teacher)s takes place at another time or in another room. "
    "The link that you have stays good."
)
ONE_CANCELLED = N_(
    "Your class “%(title)s” with %(teacher)s does not take place on the day below. Its link opens nothing any more."
)
CANCELLED = N_(
    "Your class “%(title)s” with %(teacher)s does not take place on the days below. Their links open nothing any more."
)
Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Was:
    """When and where a date was to be before it was changed."""

    lab_session: LabSession
    starts_at: datetime
    room: str

    @classmethod
    def of(cls, lab_session: LabSession) -> Was:
        return cls(lab_session, lab_session.starts_at, lab_session.room)

    @property
    def differs(self) -> bool:
        return (self.starts_at, self.room) != (self.lab_session.starts_at, self.lab_session.room)


def readers_of(db: Session, lab_sessions: Iterable[LabSession]) -> dict[tuple[str, str], list[LabSession]]:
    """Who is on the lists of these dates with a mail address, each with their dates, by time."""
    by_id = {one.id: one for one in lab_sessions}
    query = select(Invitation).where(
        Invitation.lab_session_id.in_(by_id), Invitation.revoked_at.is_(None), Invitation.email != ""
    )
    found: dict[tuple[str, str], list[LabSession]] = {}
    for row in db.scalars(query.order_by(Invitation.made_at, Invitation.id)):
        found.setdefault((row.name, row.email), []).append(by_id[row.lab_session_id])
    return {reader: sorted(dates, key=lambda one: one.starts_at) for reader, dates in found.items()}


def tell_changed(db: Session, before: Sequence[Was], *, now: datetime, timezone: str = DEFAULT_TIMEZONE) -> None:
    """Another time or room of each of their dates, beside what they know."""
    was = {one.lab_session.id: one for one in before if one.differs}

    def facts(dates: Sequence[LabSession], locale: str) -> Facts:
        found = []
        for one in dates:
            old = was[one.id]
            found.append((translate(locale, N_("Until now")), place_of(old.starts_at, old.room, locale, timezone)))
            found.append((translate(locale, N_("From now on")), place_of(one.starts_at, one.room, locale, timezone)))
        return found

    changed = [one.lab_session for one in was.values()]
    tell(db, changed, N_("Changed: the class “%(title)s”"), (CHANGED, CHANGED), facts, now=now)


def tell_cancelled(
    db: Session, cancelled: Sequence[LabSession], *, now: datetime, timezone: str = DEFAULT_TIMEZONE
) -> None:
    def facts(dates: Sequence[LabSession], locale: str) -> Facts:
        what = translate(locale, N_("Cancelled date"))
        return [(what, place_of(one.starts_at, one.room, locale, timezone)) for one in dates]

    texts = (ONE_CANCELLED, CANCELLED)
    tell(db, cancelled, N_("Cancelled: the class “%(title)s”"), texts, facts, now=now)


def place_of(starts_at: datetime, room: str, locale: str, timezone: str) -> str:
    moment = moment_in_words(locale, starts_at, timezone)
    return f"{moment}, {room}" if room else moment


def tell(
    db: Session,
    dates: Sequence[LabSession],
    subject: str,
    texts: tuple[str, str],
    facts: Callable[[Sequence[LabSession], str], Facts],
    *,
    now: datetime,
) -> None:
    """One letter a person, in the teacher's language. `texts`: of one date, and of several."""
    for (name, email), theirs in readers_of(db, dates).items():
        teacher = theirs[0].teacher
        locale, title = teacher.locale, title_of(theirs[0], teacher.locale)
        paragraph = translate(locale, texts[len(theirs) > 1], title=title, teacher=teacher.name)
        body = Body((paragraph,), tuple(facts(theirs, locale)))
        mails.write_to(
            db, receiver=email, subject=translate(locale, subject, title=title),
            text=as_text(body, locale=locale, name=name), html=as_html(body, locale=locale, name=name), now=now,
        )  # fmt: skip
