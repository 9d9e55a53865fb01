"""Finding words as people type them: accents, capitals and order do not matter."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

SPANISH = "a al con de del el en hasta la las los mi mis necesito nuestra nuestro o para por que quiero un una y"
ENGLISH = "a an and for i in my need of on or our the to until up want with"
FILLERS = frozenset([*SPANISH.split(" "), *ENGLISH.split(" ")])


def plain(text: str) -> str:
    """Lower case, without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def words_of(wanted: str) -> list[str]:
    """The words that say something: "moodle para 30 personas" looks for moodle, 30 and personas."""
    words = plain(wanted).split()
    return [word for word in words if word not in FILLERS] or words


def matches(text: str, words: Sequence[str]) -> int:
    """How many of the words (or their beginnings) are somewhere in the text."""
    there = plain(text)
    return sum(word in there for word in words)
