"""Tables as CSV for spreadsheets: with a mark for their encoding, and cells that cannot become formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from flask import Response, stream_with_context
from flask_babel import gettext as _

FORMULA = ("=", "+", "-", "@", "\t", "\r")
BLOCK = 32_000  # characters
MARK = "\ufeff"  # without it Excel reads accents wrong


def csv_answer(name: str, titles: Sequence[object], rows: Iterable[Sequence[object]]) -> Response:
    """Sent as the rows come, so that a long table needs no memory."""
    answer = Response(stream_with_context(lines_of(titles, rows)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="vivero-{name}.csv"'
    return answer


def lines_of(titles: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    text.write(MARK)
    for row in chain((titles,), rows):
        writer.writerow([harmless(cell) for cell in row])
        if text.tell() > BLOCK:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def cut_row(count: int) -> tuple[str]:
    """The last line of a table that is not whole: nobody should take it for all there is."""
    return (_("Cut after %(count)s rows. Narrow the search to get the rest.", count=count),)


def harmless(cell: object) -> str:
    """A cell that begins like a formula gets an apostrophe before it: it is text that somebody typed."""
    text = str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
