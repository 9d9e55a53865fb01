"""What differs between two texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from portal.core.differences import MOST_LINES, DifferentLine, difference

LINES = st.lists(st.sampled_from("abcd"), max_size=30).map("\n".join)


def test_equal_texts_differ_in_nothing() -> None:
    assert difference("a\nb", "a\nb") == ()


def test_a_changed_line_stands_between_its_neighbours() -> None:
    old = "\n".join("abcdefgh")
    assert difference(old, old.replace("e", "E")) == (
        DifferentLine("…"),
        DifferentLine(" ", "c"),
        DifferentLine(" ", "d"),
        DifferentLine("-", "e"),
        DifferentLine("+", "E"),
        DifferentLine(" ", "f"),
        DifferentLine(" ", "g"),
    )


@given(LINES, LINES)
def test_no_line_of_a_change_is_lost(old: str, new: str) -> None:
    lines = difference(old, new)
    assert lines is not None
    signs = [line.sign for line in lines]
    assert signs.count("+") - signs.count("-") == len(new.splitlines()) - len(old.splitlines())


def test_texts_that_are_too_long_are_not_compared() -> None:
    long = "x\n" * (MOST_LINES + 1)
    assert difference(long, "y") is None
    assert difference(long, long) == ()
