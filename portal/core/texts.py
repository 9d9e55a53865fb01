"""What text from people may hold: letters of any kind and line breaks, but nothing that no keyboard writes."""

from __future__ import annotations

import unicodedata

from portal.core.errors import N_, Invalid

LINE_BREAKS = frozenset("\n\r\t")


def has_control_characters(text: str, *, lines: bool = True) -> bool:
    """True for NUL (which PostgreSQL keeps in no text) and its kin; with `lines`, line breaks and tabs are fine."""
    allowed = LINE_BREAKS if lines else frozenset()
    return any(unicodedata.category(letter) in {"Cc", "Cs"} and letter not in allowed for letter in text)


def check_text(text: str, *, field: str) -> None:
    if has_control_characters(text):
        raise Invalid(N_("There are characters in it that cannot be seen. Please write it again by hand."), field=field)
