"""How our mails read: in the receiver's language, as plain text and as simple HTML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from gettext import NullTranslations
from html import escape
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.support import Translations

from portal.core.errors import N_
from portal.services.translations import TRANSLATIONS, compile_translations


@dataclass(frozen=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True)
class Body:
    """The parts of a letter, already in the receiver's language. Facts are pairs: what, and how it is."""

    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[Link, ...] = ()


@cache
def catalogue(locale: str) -> NullTranslations:
    """Read once; a language without a catalogue is English."""
    compile_translations()
    return Translations.load(str(TRANSLATIONS), [locale])


def translate(locale: str, msgid: str, /, **params: object) -> str:
    text = catalogue(locale).gettext(msgid)
    return text % params if params else text


def day_in_words(locale: str, day: date) -> str:
    return str(format_date(day, format="long", locale={"en": "en_GB"}.get(locale, locale)))


def moment_in_words(locale: str, moment: datetime, timezone: str) -> str:
    """Day and time of day where the hospital is."""
    local = moment.astimezone(ZoneInfo(timezone))
    return str(format_datetime(local, format="full", locale={"en": "en_GB"}.get(locale, locale)))


def as_text(body: Body, *, locale: str, name: str) -> str:
    lines = [translate(locale, N_("Hello %(name)s,"), name=name), ""]
    for paragraph in body.paragraphs:
        lines += [paragraph, ""]
    lines += [f"{what}: {how}" for what, how in body.facts]
    lines += [""] if body.facts else []
    for link in body.links:
        lines += [f"{link.label}:", link.url, ""]
    return "\n".join([*lines, translate(locale, N_("Vivero, the nursery of the hospital")), ""])


def as_html(body: Body, *, locale: str, name: str) -> str:
    hello = translate(locale, N_("Hello %(name)s,"), name=name)
    parts = [f"<p>{escape(text)}</p>" for text in (hello, *body.paragraphs)]
    if body.facts:
        rows = "".join(
            f"<tr><th align='left'>{escape(what)}</th><td>{escape(how)}</td></tr>" for what, how in body.facts
        )
        parts.append(f"<table cellpadding='4'>{rows}</table>")
    parts += [f"<p><a href='{escape(link.url)}'>{escape(link.label)}</a></p>" for link in body.links]
    signature = translate(locale, N_("Vivero, the nursery of the hospital"))
    parts.append(f"<p><small>{escape(signature)}</small></p>")
    return f"<!doctype html><html lang='{escape(locale)}'><body>{''.join(parts)}</body></html>"
