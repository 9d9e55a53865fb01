"""Sends mails over SMTP: smtp[s]://user:password@host:port?starttls=1 (or 0). One letter, one connection."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import parse_qs, unquote, urlsplit

from portal.core.errors import N_, Invalid, OutsideUnavailable
from portal.interfaces import Letter

TIMEOUT_S = 15.0
TEMPORARY = range(400, 500)  # of SMTP's answers


@dataclass(frozen=True)
class Server:
    host: str
    port: int
    encrypted: bool
    starttls: bool
    user: str
    password: str = field(repr=False)


class SmtpMailer:
    """Mailer (portal/interfaces.py). Certificates are checked against the system's authorities."""

    def __init__(self, url: str, sender: str, *, tls: ssl.SSLContext | None = None) -> None:
        self._server = read_url(url)
        self._sender = sender
        self._tls = tls

    def send(self, letter: Letter) -> None:
        """Raises OutsideUnavailable if it may be tried again, Invalid if this letter will never be taken."""
        message = write_message(letter, self._sender)
        try:
            with self._connect() as connection:
                connection.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise trouble_of(max(code for code, _ in error.recipients.values())) from error
        except smtplib.SMTPAuthenticationError as error:  # the letter is not at fault: it waits for a right password
            raise OutsideUnavailable(N_("The mail server does not accept Vivero's name and password.")) from error
        except smtplib.SMTPResponseException as error:
            raise trouble_of(error.smtp_code) from error
        except (OSError, smtplib.SMTPException) as error:
            raise OutsideUnavailable(N_("The mail server does not answer.")) from error

    def _connect(self) -> smtplib.SMTP:
        server, context = self._server, self._tls or ssl.create_default_context()
        connection: smtplib.SMTP
        if server.encrypted:
            connection = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        try:
            if server.starttls:
                connection.starttls(context=context)
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection


def read_url(url: str) -> Server:
    """Without ?starttls=0 an unencrypted connection turns encrypted before anything is said."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise Invalid(N_("VIVERO_SMTP_URL must look like smtp://user:password@host:587."))
    encrypted = parts.scheme == "smtps"
    asked = parse_qs(parts.query).get("starttls", ["0" if encrypted else "1"])[0]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(
        parts.hostname, parts.port or (465 if encrypted else 587), encrypted, asked not in {"0", "no"}, user, password
    )


def write_message(letter: Letter, sender: str) -> EmailMessage:
    """A subject or address with a line break is refused: it could add headers of its own."""
    message = EmailMessage()
    try:
        message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    except ValueError as error:
        raise Invalid(N_("The mail's address or subject has characters that a mail cannot have.")) from error
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip(">") or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    if letter.html is not None:
        message.add_alternative(letter.html, subtype="html")
    return message


def trouble_of(code: int) -> OutsideUnavailable | Invalid:
    if code in TEMPORARY:
        return OutsideUnavailable(N_("The mail server asks to try again later."))
    return Invalid(N_("The mail server refuses this mail (%(code)s)."), code=code)
