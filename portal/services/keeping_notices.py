"""A letter to who keeps a seat, a day before it ends; the page of the seat says it anyway."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.lifecycle import KeepingState
from portal.models import Invitation, Keeping, LabSession
from portal.services import mails
from portal.services.class_notices import title_of
from portal.services.letters import Body, as_html, as_text, moment_in_words, translate
from portal.services.notices import links

TOLD_BEFORE = timedelta(days=1)


def tell_due(db: Session, *, now: datetime, base_url: str, timezone: str = DEFAULT_TIMEZONE) -> int:
    """Each is told once; a keeping that is prolonged is told again before its new end. How many got a letter."""
    soon = select(Keeping).where(
        Keeping.state == KeepingState.KEPT, Keeping.told_at.is_(None), Keeping.until_at <= now + TOLD_BEFORE
    )
    told = 0
    for keeping in list(db.scalars(soon.with_for_update(of=Keeping, skip_locked=True))):
        keeping.told_at = now
        told += tell(db, keeping, now=now, base_url=base_url, timezone=timezone)
    return told


def tell(db: Session, keeping: Keeping, *, now: datetime, base_url: str, timezone: str) -> bool:
    """False for who left no address: people who came with the code."""
    address = db.scalar(select(Invitation.email).where(Invitation.student_id == keeping.student_id))
    if not address or keeping.until_at is None:
        return False
    lab_session = db.get_one(LabSession, keeping.lab_session_id)
    locale = keeping.student.locale
    title = title_of(lab_session, locale)
    ends = moment_in_words(locale, keeping.until_at, timezone)
    paragraphs = (
        translate(
            locale, N_("Your machines of the class “%(title)s” are kept until %(ends)s."), title=title, ends=ends
        ),
        translate(
            locale,
            N_("Then they are deleted with everything on them. Save what you need, or ask your teacher for more days."),
        ),
    )
    page = (translate(locale, N_("Open your machines")), "/class")
    body = Body(paragraphs, (), links(base_url, page))
    text, html = (write(body, locale=locale, name=keeping.student.name) for write in (as_text, as_html))
    subject = translate(locale, N_("Your machines are deleted soon: %(title)s"), title=title)
    mails.write_to(db, receiver=address, subject=subject, text=text, html=html, now=now)
    return True
