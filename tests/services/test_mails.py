"""Mails: written with their cause, sent later, tried again with pauses, given up in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import NotAllowed, OutsideUnavailable, PortalError
from portal.core.lifecycle import MailState
from portal.core.policy import Role
from portal.interfaces import Letter
from portal.models import Mail
from portal.services import mails
from portal.services.mails import Sent
from tests.factories import actor_for, make_account
from tests.factories.moments import NOW


@dataclass
class Postman:
    """Remembers letters, or refuses them with `trouble`."""

    trouble: PortalError | None = None
    sent: list[Letter] = field(default_factory=list)

    def send(self, letter: Letter) -> None:
        if self.trouble:
            raise self.trouble
        self.sent.append(letter)


@pytest.fixture
def mail(db: Session) -> Mail:
    written = mails.write(db, account=make_account(db, "ada"), subject="Hello", text="World", now=NOW)
    assert written is not None
    return written


def test_a_mail_is_sent_once(db: Session, mail: Mail) -> None:
    postman = Postman()
    assert mails.send_due(db, postman, NOW) == Sent(sent=1)
    assert mails.send_due(db, postman, NOW + timedelta(days=1)) == Sent()
    assert postman.sent == [Letter("ada@hospital.example", "Hello", "World")]
    assert (mail.state, mail.sent_at) == (MailState.SENT, NOW)


def test_what_fails_is_tried_again_with_growing_pauses_and_given_up(db: Session, mail: Mail) -> None:
    postman, now, pauses = Postman(OutsideUnavailable("the server is away")), NOW, []
    while mails.send_due(db, postman, now).put_off:
        assert mail.next_try_at is not None
        assert mails.send_due(db, postman, mail.next_try_at - timedelta(seconds=1)) == Sent()
        pauses.append(mail.next_try_at - now)
        now = mail.next_try_at
    assert pauses == [timedelta(minutes=2**number) for number in range(7)]
    assert (mail.state, mail.tries, mail.trouble) == (MailState.FAILED, 8, "the server is away")


def test_a_refused_letter_is_given_up_at_once(db: Session, mail: Mail) -> None:
    assert mails.send_due(db, Postman(PortalError("no such mailbox")), NOW) == Sent(given_up=1)
    assert mail.state == MailState.FAILED


def test_a_mail_that_another_worker_is_sending_is_left_alone(db: Session, mail: Mail) -> None:
    seen: list[Sent] = []

    @dataclass
    class Colleague:
        def send(self, letter: Letter) -> None:
            seen.append(mails.send_due(db, Postman(), NOW))

    mails.send_due(db, Colleague(), NOW)
    assert seen == [Sent()]


def test_nobody_writes_to_who_has_left(db: Session) -> None:
    gone = make_account(db, "gone", active=False)
    assert mails.write(db, account=gone, subject="x", text="y", now=NOW) is None


def test_only_the_administrator_reads_the_mails(db: Session, mail: Mail) -> None:
    assert mails.listing(db, actor=actor_for(db, "root", role=Role.ADMIN)).items == (mail,)
    for role in (Role.AUDITOR, Role.APPROVER):
        with pytest.raises(NotAllowed):
            mails.listing(db, actor=actor_for(db, str(role), role=role))


def test_old_sent_mails_are_deleted(db: Session, mail: Mail) -> None:
    mails.send_due(db, Postman(), NOW)
    assert mails.sweep(db, NOW + timedelta(days=90)) == 0
    assert mails.sweep(db, NOW + timedelta(days=91)) == 1
