"""A real minicluster for whoever asks: one for the whole test run, or a fresh one to be broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portal.interfaces import HostAddress
from portal.minicluster import Inventory, Minicluster


@contextmanager
def running_minicluster(hosts: int = 3) -> Iterator[Minicluster]:
    """A minicluster of its own in /var/tmp, gone with all its files at the end."""
    if os.geteuid() != 0:
        pytest.skip("the minicluster needs root")
    state_dir = Path(tempfile.mkdtemp(prefix="vivero-test-", dir="/var/tmp"))  # noqa: S108 - guests' disks need a disk
    cluster = Minicluster(state_dir)
    try:
        cluster.up(hosts, owner_pid=os.getpid())
        yield cluster
    finally:
        cluster.down(forget=True)
        shutil.rmtree(state_dir)


@pytest.fixture(scope="session")
def minicluster() -> Iterator[Inventory]:
    """Three hosts shared by all tests of this run: leave no guest behind and cut nobody's power."""
    with running_minicluster() as cluster:
        yield cluster.up()


@pytest.fixture
def own_minicluster() -> Iterator[Minicluster]:
    """Three hosts for one test, to be broken."""
    with running_minicluster() as cluster:
        yield cluster


def run_on_host(inventory: Inventory, host: HostAddress, command: str, *, stdin: str = "") -> str:
    """What the command printed on the host; a failing command fails the test."""
    options = ["-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={inventory.known_hosts}", "-o", "LogLevel=ERROR"]
    ssh = ["ssh", "-i", str(inventory.ssh_key), *options, f"{host.user}@{host.address}", command]
    done = subprocess.run(ssh, input=stdin, text=True, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_until(happened: Callable[[], bool], *, timeout_s: float = 30.0) -> bool:
    """Whether it happened in time."""
    deadline = time.monotonic() + timeout_s
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
