"""Mails over a real SMTP conversation."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from portal.backends.mail_smtp import SmtpMailer, read_url, trouble_of
from portal.core.errors import Invalid, OutsideUnavailable
from portal.interfaces import Letter

LETTER = Letter("ada@hospital.invalid", "Su máquina está lista", "Hola, Ada.\n", "<p>Hola, Ada.</p>")


class Postman:
    """Keeps what came; answers as told."""

    answer = "250 OK"

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.messages.append(message_from_bytes(envelope.content, EmailMessage, policy=policy.default))
        return self.answer

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address.startswith("nobody@"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.fixture
def postman() -> Postman:
    return Postman()


def check_password(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"vivero", b"ge:h@im")
    return AuthResult(success=right, handled=False)


@pytest.fixture
def port(postman: Postman) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
    controller = Controller(
        postman,
        "127.0.0.1",
        number,
        authenticator=check_password,
        auth_require_tls=False,
        auth_exclude_mechanism=["LOGIN"],
    )
    controller.start()
    yield number
    controller.stop()


def mailer(port: int, login: str = "") -> SmtpMailer:
    return SmtpMailer(f"smtp://{login}127.0.0.1:{port}?starttls=0", "Vivero <vivero@hospital.invalid>")


def test_a_letter_arrives_as_text_and_html(port: int, postman: Postman) -> None:
    mailer(port).send(LETTER)
    (message,) = postman.messages
    assert (message["To"], message["Subject"]) == (LETTER.to, LETTER.subject)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert message["Message-ID"]


def test_name_and_password_come_from_the_url(port: int, postman: Postman) -> None:
    mailer(port, "vivero:ge%3Ah%40im@").send(LETTER)
    assert len(postman.messages) == 1


def test_with_a_wrong_password_letters_wait_until_it_is_put_right(port: int) -> None:
    with pytest.raises(OutsideUnavailable, match="name and password"):
        mailer(port, "vivero:wrong@").send(LETTER)


def test_a_server_that_is_busy_is_tried_again(port: int, postman: Postman) -> None:
    postman.answer = "451 greylisted, come back later"
    with pytest.raises(OutsideUnavailable):
        mailer(port).send(LETTER)


@pytest.mark.parametrize("to", ["nobody@hospital.invalid"])
def test_an_unknown_receiver_is_not_tried_again(port: int, to: str) -> None:
    with pytest.raises(Invalid):
        mailer(port).send(Letter(to, "x", "y"))


def test_a_server_that_is_away_is_tried_again() -> None:
    with pytest.raises(OutsideUnavailable):
        mailer(1).send(LETTER)


def test_without_encryption_nothing_is_sent_unless_it_is_allowed(port: int, postman: Postman) -> None:
    with pytest.raises(OutsideUnavailable):
        SmtpMailer(f"smtp://127.0.0.1:{port}", "vivero@hospital.invalid").send(LETTER)
    assert postman.messages == []


def test_a_line_break_in_the_subject_is_refused() -> None:
    with pytest.raises(Invalid):
        mailer(1).send(Letter("ada@hospital.invalid", "x\r\nBcc: eve@hospital.invalid", "y"))


@pytest.mark.parametrize("url", ["", "http://x", "smtp://"])
def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(Invalid):
        SmtpMailer(url, "vivero@hospital.invalid")


def test_a_password_never_shows_in_a_repr() -> None:
    assert "geheim" not in repr(read_url("smtps://vivero:geheim@mail.hospital.invalid"))


@pytest.mark.parametrize(("code", "error"), [(421, OutsideUnavailable), (450, OutsideUnavailable), (554, Invalid)])
def test_the_servers_number_decides_about_another_try(code: int, error: type[Exception]) -> None:
    assert isinstance(trouble_of(code), error)
