"""Addresses: free ones, in turn, never the gateway."""

from __future__ import annotations

import pytest

from portal.core.addresses import next_addresses
from portal.core.errors import NoCapacity


def find(count: int, *, taken: frozenset[str] = frozenset(), after: str | None = None) -> list[str]:
    return next_addresses("10.0.0.0/28", gateway="10.0.0.12", taken=taken, after=after, count=count)


def test_the_first_addresses_stay_free_and_the_gateway_is_left_out() -> None:
    assert find(4) == ["10.0.0.10", "10.0.0.11", "10.0.0.13", "10.0.0.14"]


def test_taken_addresses_are_left_out() -> None:
    assert find(2, taken=frozenset({"10.0.0.10", "10.0.0.13"})) == ["10.0.0.11", "10.0.0.14"]


def test_an_address_just_given_back_is_used_last() -> None:
    assert find(4, after="10.0.0.13") == ["10.0.0.14", "10.0.0.10", "10.0.0.11", "10.0.0.13"]


def test_too_few_addresses_are_an_error_that_says_so() -> None:
    with pytest.raises(NoCapacity, match="no free addresses"):
        find(5)


@pytest.mark.parametrize("after", [None, "10.0.0.14", "10.0.0.15", "192.168.1.1"])
def test_wherever_it_starts_every_address_comes_once(after: str | None) -> None:
    assert sorted(find(4, after=after)) == ["10.0.0.10", "10.0.0.11", "10.0.0.13", "10.0.0.14"]
