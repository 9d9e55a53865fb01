"""Mails: written with the change that causes them, sent later by the worker, kept for the administrator's page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.core.errors import N_, NotAllowed, OutsideUnavailable, PortalError
from portal.core.lifecycle import MailState
from portal.core.policy import Actor, Permission
from portal.interfaces import Letter, Mailer
from portal.models import Account, Mail
from portal.services.paging import Page, paginate
from portal.services.transactions import let_go

MOST_TRIES = 8
FIRST_WAIT = timedelta(minutes=1)  # then 2, 4, 8 ... minutes: given up after about two hours
AT_ONCE = 20
OURS_FOR = timedelta(minutes=15)  # meanwhile no other worker sends the same mails
PERSONAL = re.compile(r"(/join/back#)[\w-]+")


@dataclass(frozen=True)
class Sent:
    sent: int = 0
    put_off: int = 0
    given_up: int = 0


def write(
    db: Session, *, account: Account, subject: str, text: str, now: datetime, html: str | None = None
) -> Mail | None:
    """Put a mail in the queue in the caller's transaction; nobody writes to a deactivated account."""
    if not account.active:
        return None
    mail = Mail(
        receiver=account.email, subject=subject[:250], text=text, html=html, created_at=now, account_id=account.id
    )
    db.add(mail)
    return mail


def write_to(db: Session, *, receiver: str, subject: str, text: str, html: str, now: datetime) -> Mail:
    """As `write`, to somebody who has no account here."""
    mail = Mail(receiver=receiver, subject=subject[:250], text=text, html=html, created_at=now)
    db.add(mail)
    return mail


def due(db: Session, now: datetime, *, most: int = AT_ONCE) -> list[Mail]:
    query = select(Mail).where(Mail.state == MailState.QUEUED, or_(Mail.next_try_at.is_(None), Mail.next_try_at <= now))
    return list(db.scalars(query.order_by(Mail.created_at).limit(most).with_for_update(skip_locked=True)))


def send_due(db: Session, mailer: Mailer, now: datetime, *, most: int = AT_ONCE, keep_links: bool = False) -> Sent:
    """Send what is due. What fails is tried again with growing pauses, and given up after MOST_TRIES.

    The mails are marked as ours and committed before they go out (transactions.py), so a slow mail server
    holds nobody up, and of two workers one sends it. A worker that dies in between may send one mail twice.
    Personal links go out of mails that are done with, unless `keep_links`: where mails are read here and nowhere else.
    """
    counts = {"sent": 0, "put_off": 0, "given_up": 0}
    mails = due(db, now, most=most)
    for mail in mails:
        mail.tries += 1
        mail.next_try_at = now + OURS_FOR
    letters = [(mail.id, Letter(mail.receiver, mail.subject, mail.text, mail.html)) for mail in mails]
    let_go(db)
    for mail_id, letter in letters:
        trouble, worth_trying = send_one(mailer, letter)
        mail = db.get_one(Mail, mail_id)
        counts[note_sent(mail, trouble, worth_trying, now)] += 1
        if mail.state != MailState.QUEUED and not keep_links:
            forget_keys(mail)
        let_go(db)
    return Sent(**counts)


def send_one(mailer: Mailer, letter: Letter) -> tuple[str, bool]:
    """What went wrong (nothing: empty), and whether it is worth another try."""
    try:
        mailer.send(letter)
    except PortalError as error:
        return str(error)[:500] or error.code, isinstance(error, OutsideUnavailable)
    return "", False


def note_sent(mail: Mail, trouble: str, worth_trying: bool, now: datetime) -> str:
    mail.trouble = trouble
    if not trouble:
        mail.state, mail.sent_at = MailState.SENT, now
        return "sent"
    if worth_trying and mail.tries < MOST_TRIES:
        mail.next_try_at = now + FIRST_WAIT * 2 ** (mail.tries - 1)
        return "put_off"
    mail.state = MailState.FAILED
    forget_keys(mail)
    return "given_up"


def without_keys(text: str) -> str:
    return PERSONAL.sub(r"\1…", text)


def forget_keys(mail: Mail) -> None:
    """A personal link is for its receiver; who reads the mails here afterwards cannot come in by it."""
    mail.text, mail.html = without_keys(mail.text), without_keys(mail.html) if mail.html else None


def listing(db: Session, *, actor: Actor, page: int = 1, state: MailState | None = None) -> Page[Mail]:
    if not actor.may(Permission.SEE_MAILS):
        raise NotAllowed(N_("You may not read the mails."))
    scope = [Mail.state == state] if state else []
    return paginate(db, Mail, scopes=[scope], order=Mail.created_at, number=page)


def sweep(db: Session, now: datetime, *, keep_days: int = 90, most: int = 500) -> int:
    """Delete sent mails that are old, at most so many at once."""
    old = select(Mail).where(Mail.state == MailState.SENT, Mail.created_at < now - timedelta(days=keep_days))
    mails = list(db.scalars(old.limit(most)))
    for mail in mails:
        db.delete(mail)
    return len(mails)
