"""The worker's process as it is started in a hospital: what it leaves when it is told to stop."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.stopping import check_leaves_nothing, start


@pytest.mark.slow
def test_a_worker_that_is_stopped_leaves_no_files(sqlite_url: str, tmp_path: Path) -> None:
    worker = start(["portal.worker"], tmp_path, sqlite_url)
    check_leaves_nothing(worker, tmp_path, ready="worker started", number=signal.SIGTERM)
