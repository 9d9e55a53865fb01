"""How long before its hour a class is prepared: as long as its lab took until now, with a margin on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from portal.core.calendar import LEAD

SHORTEST = timedelta(minutes=2)
MARGIN = timedelta(minutes=1)  # at least; of long preparations a quarter
FEWEST_RUNS = 3  # fewer say nothing about the next one


@dataclass(frozen=True)
class Run:
    """One preparation that went well: so many seats took so long."""

    seats: int
    took: timedelta


def lead_for(runs: Sequence[Run], seats: int, *, longest: timedelta = LEAD) -> timedelta:
    """Nearly all (p95) of these runs would have been in time. Never more than `longest`, which is what is proven."""
    if len(runs) < FEWEST_RUNS:
        return longest
    typical = max(p95([scaled(run, seats) for run in runs]), SHORTEST)
    return min(typical + max(typical / 4, MARGIN), longest)


def scaled(run: Run, seats: int) -> timedelta:
    """More seats take longer, at worst in proportion. Fewer are not trusted to be quicker."""
    return run.took * max(seats / max(run.seats, 1), 1.0)


def p95(times: Sequence[timedelta]) -> timedelta:
    return sorted(times)[ceil(len(times) * 0.95) - 1]
