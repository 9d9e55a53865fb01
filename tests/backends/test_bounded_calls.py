"""Calls that hang do not hang whoever asked."""

from __future__ import annotations

import threading

import pytest

from portal.backends.bounded_calls import BoundedCalls, TookTooLong


def test_a_quick_call_gives_its_answer() -> None:
    assert BoundedCalls().call(lambda: 42, timeout_s=5) == 42


def test_an_error_reaches_whoever_asked() -> None:
    with pytest.raises(ZeroDivisionError):
        BoundedCalls().call(lambda: 1 // 0, timeout_s=5)


def test_a_call_that_hangs_is_left_behind() -> None:
    release = threading.Event()
    with pytest.raises(TookTooLong):
        BoundedCalls().call(release.wait, timeout_s=0.05)
    release.set()


def test_when_all_places_hang_the_next_call_is_turned_away() -> None:
    release, calls = threading.Event(), BoundedCalls(threading.BoundedSemaphore(1))
    with pytest.raises(TookTooLong):
        calls.call(release.wait, timeout_s=0.05)
    with pytest.raises(TookTooLong):
        calls.call(lambda: 42, timeout_s=0.05)
    release.set()
    assert calls.call(lambda: 42, timeout_s=5) == 42
