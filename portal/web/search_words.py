"""Finding words as people type them: accents, capitals and order do not matter."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """Lower case, without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def contains_words(text: str, wanted: str) -> bool:
    """True if every wanted word (or its beginning) is somewhere in the text."""
    there = plain(text)
    return all(word in there for word in plain(wanted).split())
