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


def check_days(*, starts_on: date | None, ends_on: date, today: date, policy: LeasePolicy) -> None:
    """Raise Invalid, beside the right field, unless these days make a lease within the policy."""
    first = starts_on or today
    if first < today:
        raise Invalid(N_("The first day is already over."), field="starts_on")
    if first > today + timedelta(days=MAX_AHEAD_DAYS):
        raise Invalid(N_("The first day is more than a year away."), field="starts_on")
    if ends_on < first:
        raise Invalid(N_("The last day comes before the first."), field="ends_on")
    last = first + timedelta(days=policy.total_days)
    if ends_on > last:
        raise Invalid(
            N_("This machine may be kept for %(days)s days at most: until %(last)s."),
            field="ends_on",
            days=policy.total_days,
            last=last.isoformat(),
        )


def last_day(*, created_on: date, today: date, policy: LeasePolicy) -> date:
    """The last day to which a lease may be extended without a decision."""
    return min(created_on + timedelta(days=policy.total_days), today + timedelta(days=policy.extension_days))


def notice_due(expires_at: datetime, now: datetime) -> str | None:
    """The nearest notice whose time has come ("week" or "day"); none after the end."""
    if now >= expires_at:
        return None
    return next((kind for kind, before in NOTICES if expires_at - now <= before), None)


def retire_at(parked_at: datetime) -> datetime:
    return parked_at + GRACE
