"""Dates of classes: the local clock counts, also on the days when it is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.core import recurrence
from portal.core.errors import Invalid

MADRID = "Europe/Madrid"
FORWARD, BACK = date(2026, 3, 29), date(2026, 10, 25)  # at two, and at three, in the night


def local(moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(MADRID)):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize("first", [date(2026, 3, 25), date(2026, 10, 21)])
def test_a_class_at_ten_stays_at_ten_when_the_clocks_change(first: date) -> None:
    starts = recurrence.moments(recurrence.weekly(first, 3), time(10), MADRID)
    assert {start.astimezone(ZoneInfo(MADRID)).time() for start in starts} == {time(10)}
    assert len({start.time() for start in starts}) == 2  # in UTC it moves


@pytest.mark.parametrize(
    ("day", "at", "words"),
    [
        (FORWARD, time(2, 0), "there is no 02:00"),
        (FORWARD, time(2, 59), "there is no 02:59"),
        (BACK, time(2, 0), "show 02:00 twice"),
        (BACK, time(2, 59), "show 02:59 twice"),
    ],
)
def test_a_time_that_is_not_there_or_there_twice_is_told_beside_its_field(day: date, at: time, words: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        recurrence.moment(day, at, MADRID)
    assert refused.value.field == "at"


@pytest.mark.parametrize(
    ("day", "at", "in_utc"),
    [
        (FORWARD, time(1, 59), "00:59"),
        (FORWARD, time(3, 0), "01:00"),
        (BACK, time(1, 59), "23:59"),
        (BACK, time(3, 0), "02:00"),
        (date(2026, 7, 1), time(10), "08:00"),
    ],
)
def test_times_beside_the_change_are_what_they_are(day: date, at: time, in_utc: str) -> None:
    assert f"{recurrence.moment(day, at, MADRID):%H:%M}" == in_utc


def test_one_date_of_a_series_in_the_missing_hour_refuses_the_series() -> None:
    with pytest.raises(Invalid, match="2026-03-29"):
        recurrence.moments(recurrence.weekly(date(2026, 3, 15), 4), time(2, 30), MADRID)


def test_a_list_of_dates_is_put_in_order_and_each_counts_once() -> None:
    days = recurrence.listed([date(2026, 3, 9), date(2026, 3, 2), date(2026, 3, 9)])
    assert days == (date(2026, 3, 2), date(2026, 3, 9))


def test_a_moved_series_keeps_its_distances_and_its_local_time() -> None:
    starts = recurrence.moments(recurrence.weekly(date(2026, 3, 24), 2), time(10), MADRID)
    moved = recurrence.moved(starts, starts[0] + timedelta(days=1, hours=2), MADRID)
    assert [local(moment) for moment in moved] == ["2026-03-25 12:00", "2026-04-01 12:00"]


def test_the_nearest_times_are_quarters_of_an_hour_before_and_after() -> None:
    wished = recurrence.moment(date(2026, 3, 4), time(10), MADRID)
    found = recurrence.nearest(
        wished, minutes=60, now=wished - timedelta(days=3), timezone=MADRID, fits=lambda slot: True
    )
    assert [local(slot)[11:] for slot in found] == ["09:30", "09:45", "10:15"]


def test_nothing_is_offered_at_night_nor_in_the_past() -> None:
    wished = recurrence.moment(date(2026, 3, 4), time(21, 30), MADRID)
    found = recurrence.nearest(wished, minutes=90, now=wished, timezone=MADRID, fits=lambda slot: True)
    assert [local(slot) for slot in found] == ["2026-03-05 07:00", "2026-03-05 07:15", "2026-03-05 07:30"]


def test_where_nothing_fits_nothing_is_offered() -> None:
    wished = recurrence.moment(date(2026, 3, 4), time(10), MADRID)
    assert recurrence.nearest(wished, minutes=60, now=wished, timezone=MADRID, fits=lambda slot: False) == ()


@given(
    days=some.lists(some.dates(date(2025, 1, 1), date(2030, 1, 1)), min_size=1, max_size=5),
    at=some.times().map(lambda at: at.replace(second=0, microsecond=0)),
    zone=some.sampled_from(["Europe/Madrid", "Atlantic/Canary", "America/Santiago", "UTC", "Australia/Lord_Howe"]),
)
def test_what_is_accepted_reads_the_same_on_the_clock(days: list[date], at: time, zone: str) -> None:
    try:
        starts = recurrence.moments(days, at, zone)
    except Invalid:
        return
    assert [(start.astimezone(ZoneInfo(zone)).date(), start.astimezone(ZoneInfo(zone)).time()) for start in starts] == [
        (day, at) for day in days
    ]
    assert all(start.tzinfo == UTC for start in starts)


@given(
    wished=some.integers(0, 60 * 24 * 700).map(
        lambda minute: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    ),
    minutes=some.integers(15, 480),
    before=some.integers(0, 60 * 24 * 20),
)
def test_offered_times_lie_in_teaching_hours_and_ahead(wished: datetime, minutes: int, before: int) -> None:
    now = wished - timedelta(minutes=before)
    for slot in recurrence.nearest(wished, minutes=minutes, now=now, timezone=MADRID, fits=lambda slot: True):
        begin, end = slot.astimezone(ZoneInfo(MADRID)), (slot + timedelta(minutes=minutes)).astimezone(ZoneInfo(MADRID))
        assert (slot > now, begin.minute % 15, begin.date()) == (True, 0, end.date())
        assert time(7) <= begin.time() < end.time() <= time(22)
        assert abs((begin.date() - wished.astimezone(ZoneInfo(MADRID)).date()).days) <= 14
