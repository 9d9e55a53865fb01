"""The server's process as it is started in a hospital: what it leaves when it is told to stop, and a port in use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from portal.backends.engine_dbos import migrate
from portal.config import ROOT
from tests.worker.test_leaving import locked_folders


def start_server(tmp_path: Path, sqlite_url: str, port: int = 0) -> subprocess.Popen[str]:
    migrate(sqlite_url)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environ = {"VIVERO_VAR": str(tmp_path), "TMPDIR": str(temporary), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "portal.cli", "server", "--port", str(port or free_port())]
    return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_stopped_leaves_no_files(sqlite_url: str, tmp_path: Path, number: signal.Signals) -> None:
    server = start_server(tmp_path, sqlite_url)
    assert server.stderr is not None
    for line in server.stderr:
        if "startup complete" in line:
            break
    folders = locked_folders(server.pid)
    assert [folder.is_dir() for folder in folders] == [True]
    server.send_signal(number)
    said = server.communicate(timeout=30)[1]
    assert (server.returncode, [folder for folder in folders if folder.exists()]) == (0, []), said
    assert list((tmp_path / "temporary").glob("vivero-*")) == []


@pytest.mark.slow
def test_a_port_that_is_in_use_is_named(sqlite_url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = start_server(tmp_path, sqlite_url, port)
        said = server.communicate(timeout=30)[1]
    assert server.returncode != 0
    assert f"{port}" in said
    assert "address already in use" in said
    assert list((tmp_path / "temporary").glob("vivero-*")) == []
