"""How long a machine may live: policies, ends of days, notices, and when it is parked and retired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.core.errors import N_, Invalid

DEFAULT_TIMEZONE = "Europe/Madrid"
GRACE = timedelta(days=14)  # parked, disk kept, before it is retired
NOTICES = (("day", timedelta(days=1)), ("week", timedelta(days=7)))  # nearest first
MAX_AHEAD_DAYS = 365  # how far away the first day may be


@dataclass(frozen=True)
class LeasePolicy:
    """`total_days` from the first day to the last; `extension_days` from today without asking anybody."""

    total_days: int = 365
    extension_days: int = 180


ORDINARY = LeasePolicy()
END_OF_SUPPORT = LeasePolicy(total_days=90, extension_days=90)


def policy_for(network: str, *, out_of_support: bool) -> LeasePolicy:
    """Systems that get no more corrections, and what must be kept apart, are looked at again after 90 days."""
    return END_OF_SUPPORT if out_of_support or network != "department" else ORDINARY


def local_day(moment: datetime, timezone: str = DEFAULT_TIMEZONE) -> date:
    return moment.astimezone(ZoneInfo(timezone)).date()


def end_of_day(day: date, timezone: str = DEFAULT_TIMEZONE) -> datetime:
    """The last second of that local day, in UTC; of an hour that comes twice, the second one."""
    return datetime.combine(day, time(23, 59, 59, fold=1), ZoneInfo(timezone)).astimezone(UTC)


def last_day(first: date, *, network: str, support_ends: date) -> date:
    """The last day of a lease that begins on `first`: up to a year, but not long beyond the end of support."""
    short = first + timedelta(days=END_OF_SUPPORT.total_days)
    if policy_for(network, out_of_support=False) == END_OF_SUPPORT:
        return short
    return min(first + timedelta(days=ORDINARY.total_days), max(support_ends, short))


def possible_first_day(starts_on: date | None, today: date) -> date:
    """The first day as wished, or the nearest to it that may be asked for."""
    return min(max(starts_on or today, today), today + timedelta(days=MAX_AHEAD_DAYS))


def check_days(*, starts_on: date | None, ends_on: date, today: date, network: str, support_ends: date) -> None:
    """Raise Invalid, beside the right field, unless these days make a lease that may be ordered."""
    first = starts_on or today
    if first < today:
        raise Invalid(N_("The first day is already over."), field="starts_on")
    if first > today + timedelta(days=MAX_AHEAD_DAYS):
        raise Invalid(N_("The first day is more than a year away."), field="starts_on")
    if ends_on < first:
        raise Invalid(N_("The last day comes before the first."), field="ends_on")
    last = last_day(first, network=network, support_ends=support_ends)
    if ends_on <= last:
        return
    if network == "department" and last == support_ends:
        raise Invalid(
            N_("Its system gets no corrections after %(day)s: this machine may be kept until then."),
            field="ends_on",
            day=last.isoformat(),
        )
    raise Invalid(
        N_("This machine may be kept for %(days)s days at most: until %(last)s."),
        field="ends_on",
        days=(last - first).days,
        last=last.isoformat(),
    )


def last_day_at_once(*, created_on: date, today: date, policy: LeasePolicy) -> date:
    """The last day to which a lease may be extended without a decision."""
    return min(created_on + timedelta(days=policy.total_days), today + timedelta(days=policy.extension_days))


def notice_due(expires_at: datetime, now: datetime) -> str | None:
    """The nearest notice whose time has come ("week" or "day"); none after the end."""
    if now >= expires_at:
        return None
    return next((kind for kind, before in NOTICES if expires_at - now <= before), None)


def retire_at(parked_at: datetime) -> datetime:
    return parked_at + GRACE
