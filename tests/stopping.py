"""A program of the portal as it is started in a hospital, told to stop: what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from portal.backends.engine_dbos import migrate
from portal.config import ROOT


def start(words: Sequence[str], folder: Path, database_url: str) -> subprocess.Popen[str]:
    """`python -m` these words, on a database of its own, with its temporary files in `folder`."""
    migrate(database_url)
    temporary = folder / "temporary"
    temporary.mkdir()
    environ = {"VIVERO_VAR": str(folder), "TMPDIR": str(temporary), "PATH": os.environ["PATH"]}
    return subprocess.Popen([sys.executable, "-m", *words], env=environ, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def locked_folders(pid: int) -> list[Path]:
    """Where the process (also this one) keeps what its playbooks need: it has a lock there."""
    links = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    return [link.parent for link in links if "/vivero-runs-" in str(link)]


def check_leaves_nothing(process: subprocess.Popen[str], folder: Path, *, ready: str, number: signal.Signals) -> None:
    """Wait until it has said `ready`, send the signal, and look."""
    assert process.stderr is not None
    for line in process.stderr:
        if ready in line:
            break
    folders = locked_folders(process.pid)
    assert [one.is_dir() for one in folders] == [True]
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert (process.returncode, [one for one in folders if one.exists()]) == (0, []), said
    assert_no_files(folder)


def assert_no_files(folder: Path) -> None:
    assert list((folder / "temporary").glob("vivero-*")) == []
