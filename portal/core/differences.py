"""What differs between two texts, line by line, with a little of what stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

MOST_LINES = 3000  # of one text; comparing costs more than their square at worst
CONTEXT = 2


@dataclass(frozen=True)
class DifferentLine:
    """`sign`: "+" only in the new text, "-" only in the old one, " " in both, "…" where lines are left out."""

    sign: str
    text: str = ""


def difference(old: str, new: str) -> tuple[DifferentLine, ...] | None:
    """Nothing for texts that say the same; None for those that are too long to be compared."""
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > MOST_LINES:
        return () if before == after else None
    lines: list[DifferentLine] = []
    end = 0
    for group in SequenceMatcher(None, before, after).get_grouped_opcodes(CONTEXT):
        if group[0][1] > end:
            lines.append(DifferentLine("…"))
        for kind, old_from, old_to, new_from, new_to in group:
            if kind == "equal":
                lines += marked(" ", before[old_from:old_to])
            else:
                lines += marked("-", before[old_from:old_to]) + marked("+", after[new_from:new_to])
        end = group[-1][2]
    return tuple(lines)


def marked(sign: str, texts: Sequence[str]) -> list[DifferentLine]:
    return [DifferentLine(sign, text) for text in texts]
