"""Which language a problem speaks: what the caller asks for, else the account's or the student's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.support import NullTranslations, Translations
from flask import g, request

from portal.api.context import site
from portal.config import ROOT
from portal.core.errors import Phrases, PortalError, filled
from portal.core.templates import Words
from portal.services.playbook_words import translator

LANGUAGES = ("es", "en")
TRANSLATIONS = ROOT / "portal" / "translations"


def language() -> str:
    asked = request.accept_languages.best_match(LANGUAGES) if request.accept_languages else None
    own = g.actor.locale if "actor" in g else g.get("student_locale")
    return asked or (own if own in LANGUAGES else site().settings.locale)


@lru_cache(maxsize=4)
def catalogue(locale: str) -> NullTranslations:
    return Translations.load(TRANSLATIONS, [locale])


def translated(message: str) -> str:
    return str(catalogue(language()).ugettext(message)) if message else ""


def said(message: str, params: Mapping[str, Any]) -> str:
    """A sentence that was written down with its values, also one of a playbook."""
    return filled(message, params, translator(translated))


def in_words(error: PortalError) -> str:
    """The message with its values; values that are msgids themselves are translated too."""
    text = translated(error.message)
    params = {name: value_in_words(value) for name, value in error.params.items()}
    return text % params if params else text


def value_in_words(value: object) -> object:
    if isinstance(value, Phrases):
        return ", ".join(translated(one.message) % one.params for one in value)
    if isinstance(value, Words):
        return value.read(language())
    if isinstance(value, datetime):
        local = value.astimezone(ZoneInfo(site().settings.timezone))
        return format_datetime(local, "d MMMM yyyy HH:mm", locale=language())
    return translated(value) if isinstance(value, str) else value
