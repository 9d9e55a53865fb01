"""Tables as CSV for spreadsheets: with a mark for their encoding, and cells that cannot become formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from flask import Response

FORMULA = ("=", "+", "-", "@", "\t", "\r")
MARK = "\ufeff"  # without it Excel reads accents wrong


def csv_answer(name: str, titles: Sequence[object], rows: Iterable[Sequence[object]]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([harmless(title) for title in titles])
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    answer = Response(MARK + text.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="vivero-{name}.csv"'
    return answer


def harmless(cell: object) -> str:
    """A cell that begins like a formula gets an apostrophe before it: it is text that somebody typed."""
    text = str(cell)
    return f"'{text}" if text.startswith(FORMULA) else text
