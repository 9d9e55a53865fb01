"""Letters about classes that somebody has to approve, each in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.errors import N_
from portal.models import Account, LabSession
from portal.services import accounts
from portal.services.class_notices import title_of
from portal.services.letters import Body, moment_in_words, translate
from portal.services.notices import links, post

MOST_DATES = 12  # of a series that a letter lists


def approvers_of(db: Session, lab_session: LabSession) -> list[Account]:
    return accounts.approvers_of(db, lab_session.department_id, but=lab_session.teacher_id)


def facts_of(dates: Sequence[LabSession], locale: str, timezone: str) -> tuple[tuple[str, str], ...]:
    first = dates[0]
    seats = max(one.seats for one in dates)
    memory_gib = max(one.memory_mib for one in dates) / 1024
    return (
        (translate(locale, N_("Teacher")), first.teacher.name),
        *((translate(locale, N_("Begins")), moment_in_words(locale, one.starts_at, timezone))
          for one in dates[:MOST_DATES]),
        *(((translate(locale, N_("More dates")), str(len(dates) - MOST_DATES)),) if len(dates) > MOST_DATES else ()),
        (translate(locale, N_("Seats")), str(seats)),
        (translate(locale, N_("Memory")), f"{memory_gib:.0f} GB"),
        (translate(locale, N_("Room")), first.room or translate(locale, N_("no room named"))),
    )  # fmt: skip


def tell_asked(db: Session, waiting: Sequence[LabSession], *, now: datetime, base_url: str, timezone: str) -> None:
    first = waiting[0]
    for approver in approvers_of(db, first):
        locale = approver.locale
        title = title_of(first, locale)
        text = N_("A large class waits for your decision. Its room is kept until then; nothing is made for it before.")
        page = (translate(locale, N_("Decide")), f"/approvals/classes/{first.id}")
        body = Body((translate(locale, text),), facts_of(waiting, locale, timezone), links(base_url, page))
        post(db, approver, translate(locale, N_("To decide: the class “%(title)s”"), title=title), body, now)


def remind(db: Session, lab_session: LabSession, *, now: datetime, base_url: str, timezone: str) -> None:
    """Approvers and teacher: it is the last moment."""
    for account in [*approvers_of(db, lab_session), lab_session.teacher]:
        locale, teaches = account.locale, account.id == lab_session.teacher_id
        title = title_of(lab_session, locale)
        text = N_(
            "The class “%(title)s” ought to be prepared now, and nobody has approved it yet. "
            "If nobody does before it begins, it is cancelled."
        )
        page = (
            (translate(locale, N_("Open the class")), f"/classes/{lab_session.id}")
            if teaches
            else (translate(locale, N_("Decide")), f"/approvals/classes/{lab_session.id}")
        )
        facts = facts_of([lab_session], locale, timezone)
        body = Body((translate(locale, text, title=title),), facts, links(base_url, page))
        post(db, account, translate(locale, N_("Still undecided: the class “%(title)s”"), title=title), body, now)


def tell_approved(
    db: Session, dates: Sequence[LabSession], *, by: str, now: datetime, base_url: str, timezone: str
) -> None:
    text = N_("%(by)s has approved your class “%(title)s”. It is prepared in time, as every class.")
    words = dates[0].decision_comment
    tell_teacher(
        db, dates, N_("Approved: the class “%(title)s”"), (text,), words=words, by=by, now=now, base_url=base_url,
        timezone=timezone,
    )  # fmt: skip


def tell_denied(
    db: Session, dates: Sequence[LabSession], *, by: str, reason: str, now: datetime, base_url: str, timezone: str
) -> None:
    text = N_("%(by)s has not approved your class “%(title)s”, so it does not take place. This is the reason:")
    tell_teacher(
        db, dates, N_("Denied: the class “%(title)s”"), (text,), words=reason, by=by, now=now, base_url=base_url,
        timezone=timezone,
    )  # fmt: skip


def tell_lapsed(db: Session, lab_session: LabSession, *, now: datetime, base_url: str, timezone: str) -> None:
    text = N_("Nobody had decided on your class “%(title)s” when it was to begin, so it does not take place.")
    subject = N_("Cancelled: the class “%(title)s”")
    tell_teacher(db, [lab_session], subject, (text,), now=now, base_url=base_url, timezone=timezone)


def tell_teacher(
    db: Session,
    dates: Sequence[LabSession],
    subject: str,
    texts: Sequence[str],
    *,
    now: datetime,
    base_url: str,
    timezone: str,
    words: str = "",
    by: str = "",
) -> None:
    teacher = dates[0].teacher
    locale = teacher.locale
    title = title_of(dates[0], locale)
    paragraphs = [translate(locale, text, title=title, by=by) for text in texts]
    page = (translate(locale, N_("Open the class")), f"/classes/{dates[0].id}")
    facts = facts_of(dates, locale, timezone)
    body = Body((*paragraphs, *([words] if words else [])), facts, links(base_url, page))
    post(db, teacher, translate(locale, subject, title=title), body, now)
