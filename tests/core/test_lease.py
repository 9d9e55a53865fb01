"""Leases: the last second of a local day, also when the clocks change; policies; notices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.errors import Invalid
from portal.core.lease import (
    END_OF_SUPPORT,
    ORDINARY,
    check_days,
    end_of_day,
    last_day,
    last_day_at_once,
    local_day,
    notice_due,
    policy_for,
    possible_first_day,
    retire_at,
)

TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("day", "timezone", "expected"),
    [
        (date(2026, 1, 15), "Europe/Madrid", "2026-01-15T22:59:59"),
        (date(2026, 7, 15), "Europe/Madrid", "2026-07-15T21:59:59"),
        (date(2026, 3, 29), "Europe/Madrid", "2026-03-29T21:59:59"),  # an hour is skipped that night
        (date(2026, 10, 25), "Europe/Madrid", "2026-10-25T22:59:59"),  # an hour comes twice
        (date(2026, 7, 15), "Atlantic/Canary", "2026-07-15T22:59:59"),
        (date(2026, 10, 24), "Atlantic/Azores", "2026-10-24T23:59:59"),
        # where clocks go back at midnight, 23:59:59 comes twice: the second one counts
        (date(2024, 4, 6), "America/Santiago", "2024-04-07T03:59:59"),
    ],
)
def test_a_lease_ends_with_the_local_day(day: date, timezone: str, expected: str) -> None:
    assert end_of_day(day, timezone).isoformat() == expected + "+00:00"


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.sampled_from(["Europe/Madrid", "Atlantic/Canary", "UTC"]))
def test_the_end_belongs_to_its_day_and_the_next_second_to_the_next(day: date, timezone: str) -> None:
    end = end_of_day(day, timezone)
    assert local_day(end, timezone) == day
    assert local_day(end + timedelta(seconds=1), timezone) == day + timedelta(days=1)


def test_the_local_day_is_not_the_utc_day() -> None:
    assert local_day(datetime(2026, 7, 1, 22, 30, tzinfo=UTC)) == date(2026, 7, 2)
    assert local_day(datetime(2026, 7, 1, 22, 30, tzinfo=ZoneInfo("Europe/Madrid"))) == date(2026, 7, 1)


@pytest.mark.parametrize(
    ("network", "out_of_support", "policy"),
    [
        ("department", False, ORDINARY),
        ("department", True, END_OF_SUPPORT),
        ("isolated", False, END_OF_SUPPORT),
        ("quarantine", True, END_OF_SUPPORT),
    ],
)
def test_what_gets_no_corrections_is_looked_at_sooner(network: str, out_of_support: bool, policy: object) -> None:
    assert policy_for(network, out_of_support=out_of_support) == policy


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "field"),
    [
        (None, TODAY, None),
        (None, TODAY + timedelta(days=365), None),
        (None, TODAY + timedelta(days=366), "ends_on"),
        (None, TODAY - timedelta(days=1), "ends_on"),
        (TODAY, TODAY, None),
        (TODAY - timedelta(days=1), TODAY, "starts_on"),
        (TODAY + timedelta(days=10), TODAY + timedelta(days=9), "ends_on"),
        (TODAY + timedelta(days=10), TODAY + timedelta(days=375), None),
        (TODAY + timedelta(days=366), TODAY + timedelta(days=400), "starts_on"),
    ],
)
def test_days_are_checked_beside_their_field(starts_on: date | None, ends_on: date, field: str | None) -> None:
    raised = None
    try:
        check_days(
            starts_on=starts_on, ends_on=ends_on, today=TODAY, network="department", support_ends=date(2030, 1, 1)
        )
    except Invalid as error:
        raised = error.field
    assert raised == field


@pytest.mark.parametrize(
    ("network", "support_ends", "last"),
    [
        ("department", date(2030, 1, 1), date(2027, 3, 2)),
        ("department", date(2026, 12, 31), date(2026, 12, 31)),  # within the year: until the end of support
        ("department", date(2026, 3, 20), date(2026, 5, 31)),  # soon or long ago: 90 days, then it is looked at again
        ("department", date(2015, 7, 14), date(2026, 5, 31)),
        ("quarantine", date(2030, 1, 1), date(2026, 5, 31)),
    ],
)
def test_the_last_possible_day_is_accepted_and_the_next_is_refused_with_its_date(
    network: str, support_ends: date, last: date
) -> None:
    assert last_day(TODAY, network=network, support_ends=support_ends) == last
    days = {"starts_on": None, "today": TODAY, "network": network, "support_ends": support_ends}
    check_days(ends_on=last, **days)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match=last.isoformat()):
        check_days(ends_on=last + timedelta(days=1), **days)  # type: ignore[arg-type]


def test_a_refusal_for_the_end_of_support_says_so() -> None:
    with pytest.raises(Invalid, match="no corrections after 2026-12-31"):
        check_days(
            starts_on=None,
            ends_on=date(2027, 1, 1),
            today=TODAY,
            network="department",
            support_ends=date(2026, 12, 31),
        )


@pytest.mark.parametrize(
    ("starts_on", "first"),
    [
        (None, TODAY),
        (TODAY - timedelta(days=1), TODAY),
        (TODAY + timedelta(days=5), TODAY + timedelta(days=5)),
        (date.max, TODAY + timedelta(days=365)),
    ],
)
def test_the_first_day_is_brought_to_what_may_be_asked_for(starts_on: date | None, first: date) -> None:
    assert possible_first_day(starts_on, TODAY) == first


@pytest.mark.parametrize(
    ("created_days_ago", "ends_in_days", "within"),
    [(0, 180, True), (0, 181, False), (200, 165, True), (200, 166, False), (400, 1, False)],
)
def test_extensions_within_policy(created_days_ago: int, ends_in_days: int, within: bool) -> None:
    created_on, ends_on = TODAY - timedelta(days=created_days_ago), TODAY + timedelta(days=ends_in_days)
    assert (ends_on <= last_day_at_once(created_on=created_on, today=TODAY, policy=ORDINARY)) == within


@pytest.mark.parametrize(
    ("hours_before", "kind"),
    [(24 * 8, None), (24 * 7, "week"), (25, "week"), (24, "day"), (1, "day"), (0, None), (-5, None)],
)
def test_notices_come_a_week_and_a_day_before(hours_before: int, kind: str | None) -> None:
    end = datetime(2026, 4, 30, 21, 59, 59, tzinfo=UTC)
    assert notice_due(end, end - timedelta(hours=hours_before)) == kind


def test_the_disk_is_kept_for_two_weeks() -> None:
    end = datetime(2026, 4, 30, tzinfo=UTC)
    assert retire_at(end) == datetime(2026, 5, 14, tzinfo=UTC)
