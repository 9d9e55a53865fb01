"""What deserves a second look before a decision."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from portal.core.flags import Flag, flags_for
from portal.core.quota import Amount

TODAY = date(2026, 3, 2)
SMALL = Amount(1, 1, 1024, 10)


def flags(**changes: object) -> tuple[Flag, ...]:
    ordinary = {
        "end_of_support": date(2030, 1, 1),
        "network": "department",
        "takes": SMALL,
        "starts_on": None,
        "ends_on": TODAY + timedelta(days=30),
        "today": TODAY,
    }
    return flags_for(**{**ordinary, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        ({}, []),
        ({"end_of_support": None}, []),
        ({"end_of_support": TODAY}, ["Out of support"]),
        ({"end_of_support": TODAY + timedelta(days=10)}, ["Support ends"]),
        ({"end_of_support": TODAY + timedelta(days=31)}, []),
        ({"network": "isolated"}, ["Isolated network"]),
        ({"network": "quarantine"}, ["Quarantine network"]),
        ({"takes": SMALL * 10}, []),
        ({"takes": SMALL * 11}, ["Large"]),
        ({"takes": Amount(1, 17, 1024, 10)}, ["Large"]),
        ({"ends_on": TODAY + timedelta(days=180)}, []),
        ({"ends_on": TODAY + timedelta(days=181)}, ["Long lease"]),
        ({"ends_on": None}, []),
        (
            {"end_of_support": date(2014, 4, 8), "network": "isolated", "takes": SMALL * 30},
            ["Out of support", "Isolated network", "Large"],
        ),
    ],
)
def test_flags(changes: dict[str, object], labels: list[str]) -> None:
    assert [flag.label for flag in flags(**changes)] == labels


def test_details_are_filled_after_translation() -> None:
    (flag,) = flags(takes=SMALL * 30)
    assert flag.detail % flag.params == "30 machines with 30 processors, 30.0 GB of memory and 300 GB of disk."
