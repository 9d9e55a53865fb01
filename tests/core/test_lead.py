"""How long before its hour a class is prepared."""

from __future__ import annotations

from datetime import timedelta

import pytest

from portal.core.calendar import LEAD
from portal.core.lead import MARGIN, SHORTEST, Run, lead_for


def runs(*seconds: float, seats: int = 10) -> list[Run]:
    return [Run(seats, timedelta(seconds=each)) for each in seconds]


@pytest.mark.parametrize(
    ("history", "seats", "lead"),
    [
        (runs(), 10, LEAD),
        (runs(30, 30), 10, LEAD),  # two say nothing yet
        (runs(10, 20, 30), 10, SHORTEST + MARGIN),  # never under two minutes
        (runs(100, 120, 240), 10, timedelta(minutes=5)),
        (runs(100, 120, 400), 10, timedelta(seconds=500)),
        (runs(200, 200, 200), 20, timedelta(seconds=500)),  # twice as many seats, twice as long
        (runs(400, 400, 400), 1, timedelta(seconds=500)),  # fewer are not trusted to be quicker
        (runs(900, 900, 900), 10, LEAD),  # never more than is proven
        (runs(*[160] * 39, 600), 10, timedelta(seconds=220)),  # one in forty may be late
    ],
)
def test_the_lead_is_what_nearly_all_runs_took_and_a_margin(history: list[Run], seats: int, lead: timedelta) -> None:
    assert lead_for(history, seats) == lead
