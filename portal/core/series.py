"""Changing several dates of a class at once: proven for all of them together before any is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from portal.core.calendar import Booking, Calendar, Ground, Shortage, shortage
from portal.core.recurrence import moment


class Scope(StrEnum):
    """Which dates of a series a change is about; none of them begins in the past."""

    THIS = "this"
    FOLLOWING = "following"  # this one too
    ALL = "all"


@dataclass(frozen=True)
class Replacement:
    """What a date holds now, and what it is to hold instead. Both have its id."""

    was: Booking
    wanted: Booking


def lacking(ground: Ground, others: Iterable[Booking], replacements: Sequence[Replacement]) -> Mapping[UUID, Shortage]:
    """The dates that cannot be changed, with what they lack: all the others then fit beside them as they are.

    A date that stays where it was takes room there, so that another one may fail to fit for its sake: whenever one
    is found, all are looked at again.
    """
    lacks: dict[UUID, Shortage] = {}
    standing = list(others)
    while True:
        found = first_lacking(ground, standing, [one for one in replacements if one.was.id not in lacks])
        if found is None:
            return lacks
        replacement, lack = found
        lacks[replacement.was.id] = lack
        standing.append(replacement.was)


def first_lacking(
    ground: Ground, standing: Iterable[Booking], replacements: Sequence[Replacement]
) -> tuple[Replacement, Shortage] | None:
    """One after the other, each beside those before it: so every moment is looked at with all that is there then."""
    accepted = list(standing)
    for replacement in replacements:
        lack = shortage(ground, Calendar(accepted), replacement.wanted)
        if lack is not None:
            return replacement, lack
        accepted.append(replacement.wanted)
    return None


def clock_shift(was: datetime, to: datetime, timezone: str) -> timedelta:
    """From one moment to another as a calendar and the clock on the wall show it: days, and minutes of the day."""
    zone = ZoneInfo(timezone)
    return to.astimezone(zone).replace(tzinfo=None) - was.astimezone(zone).replace(tzinfo=None)


def shifted(start: datetime, by: timedelta, timezone: str) -> datetime:
    """So much later by the clock on the wall, also across a change of the clocks. Raises Invalid as `moment`."""
    local = start.astimezone(ZoneInfo(timezone)).replace(tzinfo=None) + by
    return moment(local.date(), local.time(), timezone)
