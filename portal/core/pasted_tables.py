"""Tables as people paste them: one row a line, with tabs, semicolons or commas, with or without a line of titles."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

SEPARATORS = ("\t", ";", ",")


def rows_of(text: str) -> list[tuple[int, list[str]]]:
    """The cells of each line that holds any, with the line's number. A stray quote never swallows the next line."""
    return [(number, cells_of(line)) for number, line in enumerate(text.splitlines(), start=1) if line.strip(" \t;,")]


def cells_of(line: str) -> list[str]:
    separator = next((mark for mark in SEPARATORS if mark in line), SEPARATORS[0])
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])]


def columns_of(cells: Sequence[str], titles: Mapping[str, frozenset[str]], *, needed: str) -> Mapping[str, int] | None:
    """Which column is what, if this is a line of titles."""
    found = {
        kind: place for place, cell in enumerate(cells) for kind, words in titles.items() if cell.casefold() in words
    }
    return found if needed in found else None
