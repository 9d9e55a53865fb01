"""Which regular expressions a template folder may bring."""

from __future__ import annotations

import pytest

from portal.core.errors import Invalid
from portal.core.patterns import check_pattern


@pytest.mark.parametrize(
    "pattern",
    [
        r"[a-z][a-z0-9-]{1,30}",
        r"[^@ ]+@[a-z0-9.-]+",
        r"(es|en)",
        r"\d{5}",
        r"[A-Z]{5}-[A-Z]{5}",
        r"\(\+34\) ?[0-9]+",
        r"[]a(]*x",
        r"(?:es|en)-?[a-z]+?",
        r"a?b?c?",
        r"what\?\?\?\?\?\?\?\?\?\?\?\?\?\?\?\?\?\?\?\?\?\?\?\?\?",
        r"[0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}",
    ],
)
def test_ordinary_patterns_are_allowed(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+b",
        r"(a|aa)*b",
        r"(a{1,9}){1,9}",
        r"a*a*a*a*b",
        r"(.)\1",
        r"(?=a)b",
        r"(",
        "a" * 201,
        r"(?i)a",
        r"a{2,1}",
        "a?" * 24 + "a" * 24,
        "(?:ab)?" * 24 + "b",
        "a{0,1}" * 24 + "a" * 24,
        "(a|a)" * 24 + "b",
        "(?:a|[a])" * 20 + "a?" * 4 + "b",
        "a*a*a*(b|b)",
    ],
)
def test_patterns_that_can_take_long_are_refused(pattern: str) -> None:
    with pytest.raises(Invalid):
        check_pattern(pattern)


def test_a_longer_text_leaves_less_to_the_pattern() -> None:
    check_pattern("a*b*c*")
    with pytest.raises(Invalid):
        check_pattern("a*b*c*", longest=1000)
