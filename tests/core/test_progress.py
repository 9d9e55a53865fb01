"""Progress: percent and time left, honest about what is not known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.core.lifecycle import StepState
from portal.core.progress import StepTime, percent, seconds_left, typical_seconds

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ran(name: str, seconds: int, state: StepState = StepState.DONE) -> StepTime:
    return StepTime(name, state, NOON, NOON + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("done", "total", "shown"), [(0, 0, 0), (0, 6, 0), (3, 6, 50), (599, 600, 99), (6, 6, 100), (7, 6, 100)]
)
def test_percent_is_hundred_only_at_the_end(done: int, total: int, shown: int) -> None:
    assert percent(done, total) == shown


def test_typical_times_are_medians_of_finished_steps() -> None:
    runs = [[ran("clone", 4)], [ran("clone", 6)], [ran("clone", 50)], [ran("clone", 900, StepState.FAILED)]]
    assert typical_seconds(runs) == {"clone": 6.0}


def test_the_time_left_counts_what_the_running_step_has_spent() -> None:
    steps = [ran("claim", 1), StepTime("clone", StepState.RUNNING, NOON), StepTime("notify", StepState.WAITING)]
    typical = {"claim": 1.0, "clone": 10.0, "notify": 2.0}
    assert seconds_left(steps, typical, NOON + timedelta(seconds=4)) == 8


def test_a_step_that_takes_longer_than_ever_does_not_count_below_zero() -> None:
    steps = [StepTime("clone", StepState.RUNNING, NOON), StepTime("notify", StepState.WAITING)]
    assert seconds_left(steps, {"clone": 10.0, "notify": 2.0}, NOON + timedelta(minutes=5)) == 2


def test_without_experience_there_is_no_guess() -> None:
    steps = [StepTime("clone", StepState.RUNNING, NOON), StepTime("notify", StepState.WAITING)]
    assert seconds_left(steps, {"clone": 10.0}, NOON) is None
