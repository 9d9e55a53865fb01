"""Amounts add up like numbers, and a quota says in which measure something is too much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.quota import MEASURE_NAMES, MEASURES, Amount, Quota

numbers = st.integers(min_value=0, max_value=10_000)
amounts = st.builds(Amount, numbers, numbers, numbers, numbers)


@given(amounts, amounts)
def test_adding_and_taking_away_come_out_even(one: Amount, other: Amount) -> None:
    assert one + other - other == one


@given(amounts, st.integers(min_value=0, max_value=30))
def test_copies_are_repeated_addition(one: Amount, copies: int) -> None:
    assert one * copies == sum([one] * copies, Amount())


@given(amounts, amounts)
def test_fitting_is_having_something_left_in_every_measure(one: Amount, room: Amount) -> None:
    left = room - one
    assert one.fits(room) == (min(left.machines, left.vcpus, left.memory_mib, left.disk_gib) >= 0)


@given(amounts, amounts, amounts)
def test_what_is_not_over_fits_after_what_is_used(limit: Amount, used: Amount, more: Amount) -> None:
    quota = Quota(limit, used)
    if used.fits(limit):
        assert (not quota.over(more)) == (used + more).fits(limit)


@given(amounts, amounts)
def test_asking_for_nothing_is_never_over(limit: Amount, used: Amount) -> None:
    assert Quota(limit, used).over(Amount()) == ()


@pytest.mark.parametrize(
    ("more", "over"),
    [
        (Amount(2, 2, 1024, 10), ()),
        (Amount(3, 2, 1024, 10), ("machines",)),
        (Amount(1, 5, 1024, 10), ("vcpus",)),
        (Amount(1, 1, 4097, 101), ("memory_mib", "disk_gib")),
    ],
)
def test_a_quota_names_the_measures_that_are_too_much(more: Amount, over: tuple[str, ...]) -> None:
    quota = Quota(limit=Amount(4, 8, 8192, 200), used=Amount(2, 4, 4096, 100))
    assert quota.over(more) == over


def test_every_measure_has_a_name() -> None:
    assert set(MEASURE_NAMES) == set(MEASURES)
