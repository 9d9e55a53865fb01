"""Which regular expressions a template folder may bring."""

from __future__ import annotations

import pytest

from portal.core.patterns import pattern_trouble


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
    ],
)
def test_ordinary_patterns_are_allowed(pattern: str) -> None:
    assert pattern_trouble(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+b", r"(a|aa)*b", r"(a{1,9}){1,9}", r"a*a*a*a*b", r"(.)\1", r"(?=a)b", r"(", "a" * 201, r"(?i)a", r"a{2,1}"],
)
def test_patterns_that_can_take_long_are_refused(pattern: str) -> None:
    assert pattern_trouble(pattern)
