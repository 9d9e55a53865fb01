"""The hospital of the worker's tests, on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.hospital import Hospital


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    made = Hospital(tmp_path, f"sqlite:///{tmp_path}/vivero.db")
    made.prepare()
    return made
