"""A bench that is told to stop while it works: its servers, hosts and files go with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from portal.bench.weight import descendants
from portal.config import ROOT
from portal.minicluster import network
from portal.minicluster.plan import ClusterPlan, load_plan


@contextmanager
def bench(words: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """`vivero bench` with its temporary files in a folder of its own."""
    environ = {"TMPDIR": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "portal.cli", "bench", *words]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until_said(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if words in line:
            return
    raise AssertionError("".join(said))


def plan_of(pid: int) -> ClusterPlan:
    """The minicluster that the process brings up now: it holds its lock."""
    links = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    plan = load_plan(next(link.parent for link in links if link.parts[-2:] == ("minicluster", "lock")))
    assert plan is not None
    return plan


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_bench_told_to_stop_ends_its_server_and_removes_its_files(tmp_path: Path, number: signal.Signals) -> None:
    with bench(["pages"], tmp_path) as process:
        wait_until_said(process, "100,000 requests")  # the small hospital's server runs by now
        children = list(descendants(process.pid))
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number, said
    assert children
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.minicluster
@pytest.mark.root
@pytest.mark.slow
def test_a_bench_told_to_stop_while_its_hosts_come_up_takes_them_down(tmp_path: Path) -> None:
    with bench(["clones", "--count", "1", "--rounds", "1"], tmp_path) as process:
        wait_until_said(process, "hv1 has power")
        plan = plan_of(process.pid)
        assert network.our_links(plan.alias)
        process.terminate()
        said = process.communicate(timeout=120)[1]
    assert process.returncode == 128 + signal.SIGTERM, said
    assert network.our_links(plan.alias) == []
    assert not plan.state_dir.parent.exists()
