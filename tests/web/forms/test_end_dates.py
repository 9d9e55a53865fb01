"""Quick choices for the last day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from apiflask import APIFlask

from portal.web.forms.end_dates import end_choices

TODAY = date(2027, 3, 1)


@pytest.fixture(autouse=True)
def page(app: APIFlask) -> Iterator[None]:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        yield


def test_a_year_offers_a_month_both_terms_and_the_longest() -> None:
    days = [choice.ends_on for choice in end_choices(TODAY, TODAY + timedelta(days=365))]
    assert days == [date(2027, 3, 31), date(2027, 6, 30), date(2028, 1, 31), date(2028, 2, 29)]


def test_nothing_beyond_the_longest_is_offered() -> None:
    days = [choice.ends_on for choice in end_choices(TODAY, TODAY + timedelta(days=90))]
    assert days == [date(2027, 3, 31), date(2027, 5, 30)]


def test_an_end_within_the_week_is_not_worth_a_button() -> None:
    assert end_choices(date(2027, 6, 28), date(2027, 7, 2)) == []


def test_the_term_is_named_by_its_day() -> None:
    labels = [choice.label for choice in end_choices(TODAY, date(2027, 12, 1))]
    assert labels == ["One month", "30 June", "The longest possible"]
