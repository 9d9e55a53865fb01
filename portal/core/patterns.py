"""Regular expressions out of template folders: allowed only where matching them cannot take long."""

from __future__ import annotations

import re

MAX_PATTERN_LENGTH = 200
MAX_LOOSE_REPEATS = 3


def pattern_trouble(pattern: str) -> str | None:
    """Why this pattern is refused, or None.

    No repeated groups and at most three repeats of open length: the time to match then grows with the third power of a
    short text at worst, never exponentially.
    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        return f"the pattern is longer than {MAX_PATTERN_LENGTH} characters"
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"not a regular expression: {error}"
    bare = without_escapes_and_sets(pattern)
    if re.search(r"\\[1-9]|\(\?P=|\(\?[^:P]", bare):
        return "back references, look-around and flags are not allowed in patterns"
    if re.search(r"\)[*+{]", bare):
        return "a group must not be repeated; write its content out"
    loose = len(re.findall(r"[*+]\+?|\{\d*,\d*\}", bare))
    if loose > MAX_LOOSE_REPEATS:
        return f"more than {MAX_LOOSE_REPEATS} repeats of open length (* + {{n,m}})"
    return None


def without_escapes_and_sets(pattern: str) -> str:
    """The pattern with every escaped letter as "\\" + digit or "x", and every [set] as "x": its skeleton."""
    text = re.sub(r"\\([1-9])|\\.", lambda found: found.group(0) if found.group(1) else "x", pattern, flags=re.DOTALL)
    return re.sub(r"\[\^?\]?[^\]]*\]", "x", text)
