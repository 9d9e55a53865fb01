"""The server's process as it is started in a hospital: what it leaves when it is told to stop, and a port in use."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from portal.bench.pages import free_port
from tests.stopping import assert_no_files, check_leaves_nothing, start


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_stopped_leaves_no_files(sqlite_url: str, tmp_path: Path, number: signal.Signals) -> None:
    server = start(["portal.cli", "server", "--port", str(free_port())], tmp_path, sqlite_url)
    check_leaves_nothing(server, tmp_path, ready="startup complete", number=number)


@pytest.mark.slow
def test_a_port_that_is_in_use_is_named(sqlite_url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = start(["portal.cli", "server", "--port", str(port)], tmp_path, sqlite_url)
        said = server.communicate(timeout=30)[1]
    assert server.returncode != 0
    assert f"{port}" in said
    assert "address already in use" in said
    assert_no_files(tmp_path)
