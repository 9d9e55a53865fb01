"""In which languages a class is offered: those of its guide, in the order in which its teacher wishes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from portal.core.errors import N_, Invalid

GUIDE_LANGUAGES = ("es", "en")  # every guide is written in both


def check_languages(languages: Sequence[str]) -> None:
    """Raises Invalid for none, for unknown ones and for one that is named twice."""
    if not languages or len(set(languages)) != len(languages) or not set(languages) <= set(GUIDE_LANGUAGES):
        raise Invalid(N_("Please choose the languages of the guide: Spanish, English, or both."), field="languages")


def language_for(languages: Sequence[str], wanted: str) -> str:
    """What a student reads: their own language if the class offers it, else its first."""
    return wanted if wanted in languages else languages[0]


def languages_in(text: str) -> tuple[str, ...]:
    """Those of a link, as "en" or "en,es"; nothing for what is no list of them."""
    found = tuple(text.split(","))
    return found if is_list(found) else ()


def is_list(languages: Sequence[str]) -> bool:
    try:
        check_languages(languages)
    except Invalid:
        return False
    return True


def in_link(languages: Iterable[str]) -> str:
    """What a link to a class carries along, so that the page on the way speaks as the class does; "" for both."""
    return "" if tuple(languages) == GUIDE_LANGUAGES else ",".join(languages)
