"""Changing several dates at once: proven together, and by the clock on the wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.core.calendar import Booking, Calendar, Ground, loads, shortage
from portal.core.errors import Invalid
from portal.core.placement import usable
from portal.core.quota import Amount
from portal.core.recurrence import SeriesRule, rule_of
from portal.core.series import Replacement, clock_shift, lacking, shifted
from tests.core.test_calendar import MONDAY, a_class, a_host, live_through, make_booking, make_ground, rooms_of

MADRID = "Europe/Madrid"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_series_moves_by_the_clock_on_the_wall_across_its_change() -> None:
    shift = clock_shift(at("2026-03-24T09:00"), at("2026-03-26T10:30"), MADRID)
    assert shift == timedelta(days=2, minutes=90)
    assert shifted(at("2026-03-31T08:00"), shift, MADRID) == at("2026-04-02T09:30")  # ten o'clock, then 11:30
    assert shifted(at("2026-03-26T22:00"), timedelta(days=5), MADRID) == at("2026-03-31T21:00")


@pytest.mark.parametrize("start", ["2026-03-22T01:30", "2026-10-18T00:30"])
def test_a_date_that_the_clocks_skip_or_show_twice_is_refused(start: str) -> None:
    with pytest.raises(Invalid, match="clocks go"):
        shifted(at(start), timedelta(weeks=1), MADRID)


@pytest.mark.parametrize(
    ("starts", "rule"),
    [
        (["2026-03-24T09:00", "2026-03-31T08:00", "2026-04-14T08:00"], SeriesRule.WEEKLY),
        (["2026-03-24T09:00", "2026-03-31T09:00"], SeriesRule.LISTED),
        (["2026-03-24T09:00", "2026-03-25T09:00"], SeriesRule.LISTED),
    ],
)
def test_weekly_is_one_weekday_at_one_local_time(starts: list[str], rule: SeriesRule) -> None:
    assert rule_of([at(start) for start in starts], MADRID) == rule


def test_what_stays_because_it_lacks_room_takes_that_of_others() -> None:
    """Sixteen seats fit. The first cannot grow beside a class of others, so it stays; then the second cannot either."""
    first, second = make_booking(1, seats=8), make_booking(2, seats=6)
    replacements = [
        Replacement(first, replace(first, seats=17)),
        Replacement(second, replace(second, seats=9)),
    ]
    assert set(lacking(make_ground(), [], replacements)) == {first.id, second.id}
    assert set(lacking(make_ground(), [], replacements[1:])) == set()


def test_dates_never_stand_in_their_own_way() -> None:
    full = [make_booking(number, at=number, seats=16) for number in range(3)]
    later = [Replacement(one, replace(one, starts_at=one.starts_at + timedelta(minutes=30))) for one in full]
    assert lacking(make_ground(), [], later) == {}


@given(
    hosts=some.lists(a_host, min_size=1, max_size=4),
    wishes=some.lists(a_class, max_size=10, unique_by=lambda one: one.id),
    reserve=some.integers(0, 2),
    shift=some.integers(-12, 12),
    grows=some.integers(-4, 6),
    part=some.integers(1, 3),
    chance=some.randoms(use_true_random=False),
)
def test_random_changes_of_series_never_break_the_reserve(
    hosts: list[tuple[int, int, float]],
    wishes: list[Booking],
    reserve: int,
    shift: int,
    grows: int,
    part: int,
    chance: Random,
) -> None:
    """Every n-th class is of one series: what can be changed is, what cannot stays, and all that is promised holds."""
    rooms = rooms_of(hosts)
    ground = Ground(rooms, reserve, 10_000)
    accepted: list[Booking] = []
    for wish in wishes:
        if shortage(ground, Calendar(accepted), wish) is None:
            accepted.append(wish)
    series, others = accepted[::part], [one for one in accepted if one not in accepted[::part]]
    replacements = [Replacement(one, changed(one, shift, grows)) for one in series]
    lacks = lacking(ground, others, replacements)
    standing = [*others, *(one.was if one.was.id in lacks else one.wanted for one in replacements)]
    still_holds(ground, standing, chance)


def changed(booking: Booking, shift: int, grows: int) -> Booking:
    by = timedelta(minutes=15 * shift)
    starts_at, ends_at = booking.starts_at + by, booking.ends_at + by
    return replace(booking, starts_at=starts_at, ends_at=ends_at, seats=max(booking.seats + grows, 1))


def still_holds(ground: Ground, standing: Sequence[Booking], chance: Random) -> None:
    rooms = ground.rooms
    machines = sum((room.taken for room in rooms), Amount())
    for _, load in loads(standing, MONDAY - timedelta(days=1)):
        total = sum((kind.amount * seats for kind, seats in load.items()), machines)
        assert total.memory_mib <= usable(rooms, ground.reserve_hosts).memory_mib
        assert total.vcpus <= usable(rooms, ground.reserve_hosts).vcpus
    for lost in combinations(rooms, min(ground.reserve_hosts, len(rooms) - 1)):
        live_through(standing, [room for room in rooms if room not in lost], chance)
