"""Letters to teachers about their classes, each in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.core.errors import N_
from portal.core.labs import lab_from_data
from portal.core.lease import DEFAULT_TIMEZONE
from portal.models import Account, LabSession
from portal.services import mails
from portal.services.letters import Body, as_html, as_text, moment_in_words, translate
from portal.services.notices import kept_words, links, post


def title_of(lab_session: LabSession, locale: str) -> str:
    return lab_from_data(lab_session.lab_version.spec).title.read(locale)


def tell_trouble(
    db: Session, *, lab_session: LabSession, now: datetime, base_url: str, timezone: str = DEFAULT_TIMEZONE
) -> None:
    """Seats are missing, or the whole preparation failed; told once for each class, in good time to do something."""
    if lab_session.told_missing:
        return
    lab_session.told_missing = True
    account = lab_session.teacher
    locale = account.locale
    title = title_of(lab_session, locale)
    paragraphs = (
        translate(locale, N_("The preparation of your class “%(title)s” did not go as it should."), title=title),
        kept_words(locale, lab_session.trouble, lab_session.trouble_params),
        translate(
            locale, N_("Seats that failed are replaced by spare ones where there are any. The page says how it stands.")
        ),
    )
    facts = ((translate(locale, N_("Begins")), moment_in_words(locale, lab_session.starts_at, timezone)),)
    page = (translate(locale, N_("Open the class")), f"/classes/{lab_session.id}")
    subject = translate(locale, N_("Seats are missing: %(title)s"), title=title)
    post(db, account, subject, Body(paragraphs, facts, links(base_url, page)), now)


def tell_invited(
    db: Session,
    *,
    teacher: Account,
    name: str,
    email: str,
    dates: Sequence[tuple[LabSession, str]],
    now: datetime,
    base_url: str,
    timezone: str = DEFAULT_TIMEZONE,
) -> None:
    """To somebody on the list, who may have no account: the class, or the dates of its series, each with its link."""
    locale = teacher.locale
    title = title_of(dates[0][0], locale)
    paragraphs = (
        translate(locale, N_("%(teacher)s invites you to the class “%(title)s”."), teacher=teacher.name, title=title),
        translate(
            locale,
            N_(
                "Open your link a few minutes before. You need no account and no code. "
                "The link is yours alone: whoever opens it is you in the class."
            ),
        ),
    )
    facts = tuple(
        (moment_in_words(locale, one.starts_at, timezone), one.room or translate(locale, N_("no room named")))
        for one, _path in dates
    )
    pages = [(moment_in_words(locale, one.starts_at, timezone), path) for one, path in dates]
    body = Body(paragraphs, facts, links(base_url, *pages))
    text, html = (write(body, locale=locale, name=name) for write in (as_text, as_html))
    subject = translate(locale, N_("Your class: %(title)s"), title=title)
    mails.write_to(db, receiver=email, subject=subject, text=text, html=html, now=now)
