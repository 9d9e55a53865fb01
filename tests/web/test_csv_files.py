"""Tables to take away."""

from __future__ import annotations

import pytest

from portal.web.csv_files import harmless


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@cmd", "\tx"])
def test_no_cell_becomes_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_ordinary_cells_stay_as_they_are() -> None:
    assert harmless("moodle-farmacia") == "moodle-farmacia"
