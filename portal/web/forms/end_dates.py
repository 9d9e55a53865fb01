"""Ends that people mean when they say "until": a month, the end of a term, the longest that is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from babel.dates import format_skeleton
from flask_babel import get_locale
from flask_babel import gettext as _

SOONEST = timedelta(days=7)  # a nearer end is typed, not offered
TERM_ENDS = ((1, 31), (6, 30))  # (month, day): first term, second term


@dataclass(frozen=True)
class EndChoice:
    label: str
    ends_on: date


def end_choices(today: date, longest: date) -> list[EndChoice]:
    """Quick choices in the order of their dates, none beyond `longest`, no date twice."""
    offered = {today + timedelta(days=30): _("One month")}
    for ends_on in term_ends(today):
        offered.setdefault(ends_on, format_skeleton("MMMMd", ends_on, locale=get_locale()))
    offered.setdefault(longest, _("The longest possible"))
    return [EndChoice(offered[day], day) for day in sorted(offered) if today + SOONEST <= day <= longest]


def term_ends(today: date) -> list[date]:
    """The next end of each term."""
    return [next_day(today, month, day) for month, day in TERM_ENDS]


def next_day(today: date, month: int, day: int) -> date:
    this_year = date(today.year, month, day)
    return this_year if this_year > today else date(today.year + 1, month, day)
