"""A sheet of the calendar: one week or one month, in whole weeks that begin on Monday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from babel.dates import format_skeleton
from flask_babel import get_locale

WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Sheet:
    """`day` is the one that it was opened for."""

    day: date
    today: date
    is_month: bool
    weeks: tuple[tuple[date, ...], ...]

    @property
    def first(self) -> date:
        return self.weeks[0][0]

    @property
    def last(self) -> date:
        return self.weeks[-1][-1]

    @property
    def before(self) -> date:
        if not self.is_month:
            return self.day - WEEK
        return (self.day.replace(day=1) - timedelta(days=1)).replace(day=1)

    @property
    def after(self) -> date:
        return (self.day.replace(day=28) + timedelta(days=4)).replace(day=1) if self.is_month else self.day + WEEK

    @property
    def title(self) -> str:
        if self.is_month:
            return words("yMMMM", self.day)
        return f"{words('MMMd', self.first)} – {words('yMMMd', self.last)}"

    def is_beside(self, day: date) -> bool:
        """Of the month before or after, shown because weeks are whole."""
        return self.is_month and day.month != self.day.month


def sheet_of(day: date, *, month: bool, today: date) -> Sheet:
    first = monday(day.replace(day=1)) if month else monday(day)
    last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1) if month else day
    count = (monday(last) - first).days // 7 + 1
    weeks = tuple(tuple(first + timedelta(days=7 * week + number) for number in range(7)) for week in range(count))
    return Sheet(day, today, month, weeks)


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def words(skeleton: str, day: date) -> str:
    return str(format_skeleton(skeleton, day, locale=get_locale()))
