"""Which language a page speaks: the account's, the cookie's, the browser's, the house's; Spanish and English."""

from __future__ import annotations

from flask import Flask, has_request_context, request
from flask_babel import Babel, get_locale, gettext

from portal.core.errors import Phrases, PortalError
from portal.core.templates import Words
from portal.services.translations import TRANSLATIONS, compile_translations
from portal.web.context import account, site
from portal.web.formats import readable, translated

LANGUAGES = {"es": "Español", "en": "English"}
REGIONS = {"es": "es", "en": "en_GB"}  # days before months, and 24 hours, in both
COOKIE = "vivero_language"


def init_languages(app: Flask, *, default: str, timezone: str) -> None:
    compile_translations()
    Babel(
        app,
        default_locale=default,
        default_timezone=timezone,
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=lambda: REGIONS.get(chosen_language(), chosen_language()),
    )


def chosen_language() -> str:
    if not has_request_context():
        return site().settings.locale
    cookie = request.cookies.get(COOKIE, "")
    person = account()
    if person is not None and person.locale in LANGUAGES:
        return person.locale
    if cookie in LANGUAGES:
        return cookie
    return request.accept_languages.best_match(list(LANGUAGES)) or site().settings.locale


def current_language() -> str:
    locale = get_locale()
    return locale.language if locale else "en"


def in_words(error: PortalError) -> str:
    """A PortalError's message in the reader's language. Values that are msgids themselves are translated too."""
    text = str(gettext(error.message))
    params = {name: value_in_words(value) for name, value in error.params.items()}
    return text % params if params else text


def value_in_words(value: object) -> object:
    if isinstance(value, Phrases):
        return ", ".join(translated(one.message, one.params) for one in value)
    if isinstance(value, Words):
        return value.read(current_language())
    return readable(gettext(value) if isinstance(value, str) and value else value)
