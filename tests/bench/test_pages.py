"""The pages' bench: hospitals of two sizes ask the database the same number of questions. Nothing is timed here."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from portal.bench.crowd import Times
from portal.bench.hospital import Size
from portal.bench.pages import PAGES, Place, environ_of, filled, queries, row_of
from portal.config import read_settings
from portal.core.lifecycle import VmRequestState
from portal.models import VmRequest
from portal.wiring import build_site


def place(folder: Path, size: Size) -> Place:
    folder.mkdir()
    settings = read_settings(environ_of(folder))
    return Place(settings, port=0, visitors=filled(settings, size))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Place]:
    folder = tmp_path_factory.mktemp("hospitals")
    return place(folder / "small", Size(100, 50, 20, 1)), place(folder / "larger", Size(2000, 400, 100, 4))


@pytest.mark.parametrize("page", list(PAGES))
def test_a_larger_hospital_costs_no_more_queries(places: tuple[Place, Place], page: str) -> None:
    small, larger = (queries(place, PAGES[page]) for place in places)
    assert small == larger
    assert small < 20


def test_each_department_has_a_page_of_waiting_requests(places: tuple[Place, Place]) -> None:
    for place, departments in zip(places, (1, 4), strict=True):
        with build_site(place.settings).sessions() as db:
            waiting = select(func.count()).where(VmRequest.state == VmRequestState.SUBMITTED)
            assert (db.scalar(waiting) or 0) >= 50 * departments


def test_the_ratio_is_of_the_95th_percentiles() -> None:
    small, large = Times(tuple(float(ms) for ms in range(1, 101))), Times(tuple(float(ms) * 2 for ms in range(1, 101)))
    row = row_of("queue", [small, large], [7, 7])
    assert (row["p95 ratio"], row["queries"], row["aim"]) == (2.0, 7, False)
    assert row_of("queue", [small, small], [7, 8])["aim"] is False
