"""What the portal itself says on a door's origin: short pages in the browser's language, with a way back."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from portal.config import LOCALES, Settings
from portal.core.errors import N_
from portal.live.asgi_types import Scope, Send
from portal.live.visitors import headers_of
from portal.services.letters import translate

PAGE = """<!doctype html>
<html lang="{locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body {{ font: 1.1rem/1.5 sans-serif; max-width: 34rem; margin: 15vh auto 0; padding: 0 1rem }}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{text}</p>
<p><a href="{back}">{words}</a></p>
</main>
</body>
</html>
"""
HEADERS = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]


@dataclass(frozen=True)
class Notice:
    """Instead of the machine's page. `code` closes a WebSocket that is open already."""

    status: int
    title: str
    text: str
    code: int = 1008


CLOSED = Notice(
    403,
    N_("This door is closed"),
    N_("It opens from the page of the class, while the class goes on and for the seat's own student."),
)
NOT_HERE = Notice(404, N_("There is nothing here"), N_("No door has this address."))
NOT_A_PAGE = Notice(400, N_("This did not work"), N_("The portal could not understand the browser."))
TOO_LARGE = Notice(413, N_("That was too large"), N_("At most 64 MiB can be sent through a door at once."), 1009)
SILENT = Notice(
    502,
    N_("Nothing answers behind this door"),
    N_("The service on the machine does not run, or not yet. Please look at the machine, then load this page again."),
    1011,
)
GARBLED = Notice(
    502,
    N_("The machine's answer could not be understood"),
    N_("What answers behind this door broke off, or does not speak as a web page should."),
    1011,
)
SLOW = Notice(
    504,
    N_("The machine takes too long"),
    N_("It was asked and has not answered within a minute. Please load this page again in a while."),
    1011,
)
CROWDED = Notice(
    503,
    N_("Too much at once"),
    N_("This seat has as many open connections as it may. Please close a tab, then load this page again."),
    1013,
)
STOPPING = Notice(503, N_("The portal is being restarted."), N_("Please load this page again in a moment."), 1001)


def language_of(scope: Scope, settings: Settings) -> str:
    wanted = parse_accept_header(",".join(headers_of(scope, b"accept-language")), LanguageAccept)
    return wanted.best_match(LOCALES) or settings.locale


async def show(scope: Scope, send: Send, notice: Notice, settings: Settings) -> None:
    """For a WebSocket that was not accepted yet there are no pages: the browser hears 403."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": notice.code})
        return
    locale = language_of(scope, settings)
    text = PAGE.format(
        locale=locale,
        title=escape(translate(locale, notice.title)),
        text=escape(translate(locale, notice.text)),
        words=escape(translate(locale, N_("Back to the class"))),
        back=escape(f"{settings.base_url}/class"),
    ).encode()
    headers = [*HEADERS, (b"content-length", str(len(text)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": notice.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else text})
