"""The worker's process as it is started in a hospital: what it leaves when it is told to stop."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.backends.engine_dbos import migrate
from portal.config import ROOT


def locked_folders(pid: int) -> list[Path]:
    """Where the process keeps what its playbooks need: it has a lock there."""
    links = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()]
    return [link.parent for link in links if "/vivero-runs-" in str(link)]


@pytest.mark.slow
def test_a_worker_that_is_stopped_leaves_no_files(sqlite_url: str, tmp_path: Path) -> None:
    migrate(sqlite_url)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environ = {"VIVERO_VAR": str(tmp_path), "TMPDIR": str(temporary), "PATH": os.environ["PATH"]}
    worker = subprocess.Popen(
        [sys.executable, "-m", "portal.worker"], env=environ, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert worker.stderr is not None
    for line in worker.stderr:
        if "worker started" in line:
            break
    folders = locked_folders(worker.pid)
    assert [folder.is_dir() for folder in folders] == [True]
    worker.terminate()
    said = worker.communicate(timeout=30)[1]
    assert (worker.returncode, [folder for folder in folders if folder.exists()]) == (0, []), said
    assert list(temporary.glob("vivero-*")) == []
