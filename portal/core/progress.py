"""How far a workflow is and how long it may still take, from its steps and from earlier runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from portal.core.lifecycle import StepState

MANY = 20  # earlier runs that count


@dataclass(frozen=True)
class StepTime:
    """A step as its row tells it."""

    name: str
    state: StepState
    started_at: datetime | None = None
    ended_at: datetime | None = None


def percent(done: int, total: int) -> int:
    """0 to 100; never 100 before everything is done."""
    if total <= 0:
        return 0
    return min(100 * done // total, 99) if done < total else 100


def typical_seconds(runs: Sequence[Sequence[StepTime]]) -> dict[str, float]:
    """The median time of each step over the newest runs; a step that was never finished has none."""
    times: dict[str, list[float]] = {}
    for steps in runs[:MANY]:
        for step in steps:
            if step.state == StepState.DONE and step.started_at and step.ended_at:
                times.setdefault(step.name, []).append((step.ended_at - step.started_at).total_seconds())
    return {name: median(seconds) for name, seconds in times.items()}


def seconds_left(steps: Sequence[StepTime], typical: Mapping[str, float], now: datetime) -> int | None:
    """What the steps to come took before, less what the present one has taken; None without experience."""
    ahead = [step for step in steps if step.state in (StepState.WAITING, StepState.RUNNING)]
    if not typical or any(step.name not in typical for step in ahead):
        return None
    left = 0.0
    for step in ahead:
        spent = (now - step.started_at).total_seconds() if step.started_at else 0.0
        left += max(typical[step.name] - spent, 0.0)
    return round(left)
