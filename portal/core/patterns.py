"""Regular expressions out of template folders: allowed only where matching them cannot take long."""

from __future__ import annotations

import re
from math import prod

from portal.core.errors import N_, Invalid

MAX_PATTERN_LENGTH = 200
MAX_OPEN_REPEATS = 3
MAX_WAYS = 200**3  # in which a text may be tried, about a second at the very worst
REPEAT = re.compile(r"(?:([*+?])|\{(\d*)(,?)(\d*)\})[?+]?")


def check_pattern(pattern: str, *, longest: int = 200) -> None:
    """Raise Invalid unless matching any text of at most `longest` letters is quick.

    No repeated groups, at most three repeats of open length, and all repeats, optional parts and alternatives together
    leave a bounded number of ways to try: never an exponential one.
    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise Invalid(N_("The pattern is longer than %(most)s characters."), most=MAX_PATTERN_LENGTH)
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise Invalid(N_("This is not a regular expression: %(why)s."), why=str(error)) from error
    bare = without_escapes_and_sets(pattern)
    if re.search(r"\\[1-9]|\(\?P=|\(\?[^:P]", bare):
        raise Invalid(N_("Back references, look-around and flags are not allowed in patterns."))
    if re.search(r"\)[*+{]", bare):
        raise Invalid(N_("A group must not be repeated: write its content out."))
    bare = re.sub(r"\(\?(?::|P<\w+>)", "(", bare)
    spans = [span_of(found, longest) for found in REPEAT.finditer(bare)]
    if sum(span > 2 for span in spans) > MAX_OPEN_REPEATS:
        raise Invalid(N_("There are more than %(most)s repeats of open length (* + {n,m})."), most=MAX_OPEN_REPEATS)
    if prod(spans) * alternatives_in(bare) > MAX_WAYS:
        raise Invalid(N_("There are too many optional parts, repeats and alternatives: matching could take for ever."))


def span_of(repeat: re.Match[str], longest: int) -> int:
    """In how many lengths this repeat can match."""
    sign, least, comma, most = repeat.groups()
    if sign:
        return 2 if sign == "?" else longest
    if not comma:
        return 1
    return int(most) - int(least or 0) + 1 if most else longest


def alternatives_in(bare: str) -> int:
    """The branches of all groups, multiplied: in the worst case each choice meets each other."""
    ways, open_groups = 1, [1]
    for letter in bare:
        if letter == "(":
            open_groups.append(1)
        elif letter == "|":
            open_groups[-1] += 1
        elif letter == ")" and len(open_groups) > 1:
            ways *= open_groups.pop()
    return ways * prod(open_groups)


def without_escapes_and_sets(pattern: str) -> str:
    """The pattern with every escaped letter as "\\" + digit or "x", and every [set] as "x": its skeleton."""
    text = re.sub(r"\\([1-9])|\\.", lambda found: found.group(0) if found.group(1) else "x", pattern, flags=re.DOTALL)
    return re.sub(r"\[\^?\]?[^\]]*\]", "x", text)
