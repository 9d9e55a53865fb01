"""The hospital of the worker's tests, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.hospital import Hospital


def opened(folder: Path, url: str) -> Iterator[Hospital]:
    made = Hospital(folder, url)
    made.prepare()
    yield made
    made.close()


@pytest.fixture
def hospital(any_database_url: str, tmp_path: Path) -> Iterator[Hospital]:
    yield from opened(tmp_path, any_database_url)


@pytest.fixture
def hospital_on_sqlite(sqlite_url: str, tmp_path: Path) -> Iterator[Hospital]:
    yield from opened(tmp_path, sqlite_url)


@pytest.fixture
def hospital_on_postgres(postgres_url: str, tmp_path: Path) -> Iterator[Hospital]:
    yield from opened(tmp_path, postgres_url)
