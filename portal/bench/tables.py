"""A benchmark's result: a table of plain text for people, the same as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """`rows` are cells by column name; a number is printed with two digits after the point."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, str | float | int | bool]]
    notes: Sequence[str] = field(default=())

    def text(self) -> str:
        cells = [[shown(row.get(column, "")) for column in self.columns] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(self.columns, *cells, strict=True)]
        lines = [self.line(self.columns, widths), self.line(["-" * width for width in widths], widths)]
        lines += [self.line(row, widths) for row in cells]
        return "\n".join([self.title, "", *lines, "", *self.notes]).rstrip() + "\n"

    @staticmethod
    def line(cells: Sequence[str], widths: Sequence[int]) -> str:
        return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def shown(value: str | float | int | bool) -> str:
    if isinstance(value, bool):
        return "reached" if value else "not reached"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def as_json(tables: Sequence[Table]) -> str:
    plain = [{"title": table.title, "rows": [dict(row) for row in table.rows]} for table in tables]
    return json.dumps(plain, indent=2)
