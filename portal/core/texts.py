"""What text from people may hold: letters of any kind and line breaks, but nothing that no keyboard writes."""

from __future__ import annotations

import codecs
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


def text_of_file(content: bytes, *, most: int, field: str) -> str:
    """The text of an uploaded file, as spreadsheets write it: UTF-8, UTF-16 with its mark, or Windows-1252.

    Raises Invalid for what is too long or no text.
    """
    if len(content) > most:
        raise Invalid(N_("This file is too large. At most %(most)s KiB are read."), field=field, most=most // 1024)
    encodings = ("utf-16",) if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not has_control_characters(text):
            return text
    raise Invalid(N_("This file holds no text that can be read. Please save it as text or CSV."), field=field)
