"""Which language a page speaks: the account's, the cookie's, the browser's, the house's; Spanish and English."""

from __future__ import annotations

from flask import Flask, current_app, has_request_context, request
from flask_babel import Babel, get_locale, gettext

from portal.core.errors import Phrases, PortalError
from portal.core.languages import languages_in
from portal.core.templates import Words
from portal.services import students
from portal.services.translations import TRANSLATIONS, compile_translations
from portal.web.context import account, db, guard_of, site, student_or_none
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
    house = site().settings.locale
    if not has_request_context():
        return house
    of_class = class_languages()
    offered, person = of_class or tuple(LANGUAGES), account()
    for own in (person.locale if person is not None else "", request.cookies.get(COOKIE, "")):
        if own in offered:
            return own
    return request.accept_languages.best_match(offered) or (of_class[0] if of_class else house)


def class_languages() -> tuple[str, ...]:
    """Those of the class on a student's page, and of a class's link on the way there; () on all other pages.

    Of a code alone nothing is said: a page that speaks otherwise for right codes would help to guess them.
    """
    if request.blueprint == "join":
        return languages_in(request.args.get("languages", ""))
    view = current_app.view_functions.get(request.endpoint or "")
    guard = guard_of(view) if view else None
    seated = student_or_none() if guard and guard.student else None
    return tuple(students.class_with(db(), seated).languages) if seated else ()


def offered_languages() -> dict[str, str]:
    """Between which the page can be switched."""
    return {code: LANGUAGES[code] for code in class_languages() or LANGUAGES}


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
