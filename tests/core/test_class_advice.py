"""What is advised after a class, for which figures."""

from __future__ import annotations

from typing import Any

import pytest

from portal.core import class_advice as say
from portal.core.class_advice import ClassFigures, StepFigures, advice


def figures(*steps: StepFigures, **changes: Any) -> ClassFigures:
    """Twelve came to twelve seats and everybody passed three steps in good time."""
    ordinary = {
        "booked": 12,
        "came": 12,
        "usable": 13,
        "planned_minutes": 60,
        "steps": steps or tuple(step(number) for number in (1, 2, 3)),
        "through_after": 50,
    }
    return ClassFigures(**{**ordinary, **changes})  # type: ignore[arg-type]


def step(number: int = 1, **changes: Any) -> StepFigures:
    return StepFigures(**{"number": number, "begun": 12, "passed": 12, "tries": 14, "minutes": 12.0, **changes})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (figures(), [say.FINE]),
        (figures(step(passed=8)), [say.STUCK]),
        (figures(step(passed=9)), [say.STUCK]),
        (figures(step(passed=10)), [say.FINE]),
        (figures(step(begun=1, passed=0, tries=1), came=1, booked=1), [say.STUCK]),
        (figures(step(passed=0, checked=False)), [say.FINE]),
        (figures(step(tries=48)), [say.TRIES]),
        (figures(step(tries=47)), [say.FINE]),
        (figures(step(hints=12)), [say.HINTS]),
        (figures(step(hints=11)), [say.FINE]),
        (figures(step(tries=48, hints=12)), [say.TRIES, say.HINTS]),
        (figures(step(hints=12), step(2, hints=12)), [say.HINTS]),
        (figures(step(minutes=41.0), step(2), step(3)), [say.LONG]),
        (figures(step(minutes=40.0), step(2), step(3)), [say.FINE]),
        (figures(step(minutes=41.0, passed=2), step(2), step(3)), [say.STUCK]),
        (figures(step(minutes=4.0), step(2, minutes=4.0), planned_minutes=3, through_after=3), [say.FINE]),
        (figures(step(), step(2, begun=9, passed=9)), [say.NOT_REACHED]),
        (figures(step(), step(2, begun=10, passed=10)), [say.FINE]),
        (figures(step(begun=0, passed=0, tries=0, minutes=None)), [say.NOT_REACHED]),
        (figures(through_after=40), [say.EARLY]),
        (figures(through_after=41), [say.FINE]),
        (figures(through_after=None), [say.FINE]),
        (figures(booked=16), [say.UNUSED]),
        (figures(booked=15), [say.FINE]),
        (figures(usable=11), [say.MISSING]),
        (figures(resets=4), [say.RESETS]),
        (figures(resets=3), [say.FINE]),
        (figures(failed=1), [say.FAILED]),
        (figures(cold=7, slowest_s=80), [say.COLD]),
        (figures(cold=6), [say.FINE]),
        (figures(came=0), [say.NOBODY]),
        (figures(came=0, failed=2), [say.NOBODY, say.FAILED]),
        (figures(step(passed=0), failed=1, booked=20), [say.STUCK, say.UNUSED, say.FAILED]),
        (ClassFigures(booked=1, came=1, planned_minutes=15, steps=(), usable=1), [say.FINE]),
    ],
)
def test_advice_follows_the_figures(given: ClassFigures, expected: list[str]) -> None:
    assert [phrase.message for phrase in advice(given)] == expected


def test_advice_names_step_and_numbers() -> None:
    (phrase,) = advice(figures(step(), step(2), step(3, passed=8)))
    assert str(phrase) == "4 of 12 did not get past step 3: plan more time for it or add a hint."


def test_every_sentence_can_be_filled() -> None:
    everything = figures(
        step(tries=60, passed=1),
        step(2, hints=20, minutes=50.0),
        step(3, begun=1, passed=1),
        booked=30,
        usable=10,
        failed=3,
        resets=9,
        cold=10,
        slowest_s=90,
        through_after=10,
    )
    assert all("%(" not in str(phrase) for phrase in advice(everything))
