"""Dates and times of classes: in local time, so that a class at ten stays at ten when the clocks change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice
from zoneinfo import ZoneInfo

from portal.core.errors import N_, Invalid

MOST_DATES = 52
DAY_BEGINS, DAY_ENDS = time(7), time(22)  # other times than wished are looked for between these
STEP = timedelta(minutes=15)
DAYS_AROUND = 14


class SeriesRule(StrEnum):
    """How the dates of a series came together."""

    WEEKLY = "weekly"
    LISTED = "listed"
    IMPORTED = "imported"  # of one lab in a timetable


def rule_of(starts: Sequence[datetime], timezone: str) -> SeriesRule:
    """Weekly if all are on one weekday at one local time; weeks may be left out."""
    zone = ZoneInfo(timezone)
    local = [start.astimezone(zone) for start in starts]
    same = {(one.weekday(), one.time()) for one in local}
    return SeriesRule.WEEKLY if len(same) == 1 else SeriesRule.LISTED


def weekly(first: date, times: int) -> tuple[date, ...]:
    """The same weekday `times` times."""
    return tuple(first + timedelta(weeks=week) for week in range(times))


def listed(days: Iterable[date]) -> tuple[date, ...]:
    """The dates of a list in order, each once."""
    return tuple(sorted(set(days)))


def moments(days: Sequence[date], at: time, timezone: str) -> tuple[datetime, ...]:
    """These local times in UTC. Raises Invalid beside the time if one of them is not there, or there twice."""
    return tuple(moment(day, at, timezone) for day in days)


def moment(day: date, at: time, timezone: str) -> datetime:
    """This local time in UTC.

    When the clocks change, an hour is missing or comes twice: nobody can know what is meant, so neither is guessed.
    """
    zone = ZoneInfo(timezone)
    first, second = (datetime.combine(day, at.replace(fold=fold), zone) for fold in (0, 1))
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != first.replace(tzinfo=None):
        raise Invalid(
            N_("On %(day)s the clocks go forward: there is no %(time)s. Please choose another time."),
            field="at", day=day.isoformat(), time=f"{at:%H:%M}",
        )  # fmt: skip
    if first.utcoffset() != second.utcoffset():
        raise Invalid(
            N_("On %(day)s the clocks go back and show %(time)s twice. Please choose another time."),
            field="at", day=day.isoformat(), time=f"{at:%H:%M}",
        )  # fmt: skip
    return first.astimezone(UTC)


def moved(starts: Sequence[datetime], to: datetime, timezone: str) -> tuple[datetime, ...]:
    """The whole series so that its first date begins at `to`: as many days on, at the same local time."""
    zone = ZoneInfo(timezone)
    days = [start.astimezone(zone).date() for start in starts]
    new = to.astimezone(zone)
    return moments([new.date() + (day - days[0]) for day in days], new.time(), timezone)


def nearest(
    wished: datetime, *, minutes: int, now: datetime, timezone: str, fits: Callable[[datetime], bool], count: int = 3
) -> tuple[datetime, ...]:
    """The nearest other beginnings that fit, in order of time: quarters of an hour in the teaching hours, none past."""
    around = sorted(
        slots(wished, minutes=minutes, now=now, timezone=timezone),
        key=lambda slot: (abs(slot - wished), slot),
    )
    return tuple(sorted(islice(filter(fits, around), count)))


def slots(wished: datetime, *, minutes: int, now: datetime, timezone: str) -> Iterator[datetime]:
    zone = ZoneInfo(timezone)
    today, lasts = wished.astimezone(zone).date(), timedelta(minutes=minutes)
    for distance in range(-DAYS_AROUND, DAYS_AROUND + 1):
        day = today + timedelta(days=distance)
        local, end = datetime.combine(day, DAY_BEGINS), datetime.combine(day, DAY_ENDS)
        while local + lasts <= end:
            slot = local.replace(tzinfo=zone).astimezone(UTC)
            if slot > now and slot != wished:
                yield slot
            local += STEP
