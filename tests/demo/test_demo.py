"""bin/demo as a newcomer meets it: it works, and nothing of it stays behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from portal.config import ROOT
from portal.minicluster import network
from portal.minicluster.plan import load_plan
from tests.browser.conftest import start_demo, stop_demo
from tests.minicluster.fixtures import wait_until

VAR = ROOT / "var" / "tests-demo"  # its built micro-linux is kept for the next run


def processes_of(var: Path) -> list[str]:
    """Command lines and environments that name the demo's folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environ = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:  # it ended while we looked
            continue
        if str(var).encode() in command or f"VIVERO_VAR={var}".encode() in environ:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def alias_of(var: Path) -> str:
    plan = load_plan(var / "minicluster")
    assert plan is not None
    return plan.alias


def check_nothing_is_left(var: Path, alias: str) -> None:
    assert wait_until(lambda: processes_of(var) == [], timeout_s=10), processes_of(var)
    assert network.our_links(alias) == []
    assert str(var) not in Path("/proc/mounts").read_text()
    assert not (var / "demo.json").exists()
    assert [*var.glob("minicluster/cabinet/vms/*"), *var.glob("minicluster/cabinet/dhcp/*")] == []


@pytest.mark.minicluster
@pytest.mark.root
@pytest.mark.slow
def test_after_ctrl_c_nothing_is_left() -> None:
    process, demo = start_demo(VAR)
    alias = alias_of(demo.var)
    assert network.our_links(alias)
    stop_demo(process)
    check_nothing_is_left(VAR, alias)


@pytest.mark.minicluster
@pytest.mark.root
@pytest.mark.slow
def test_what_a_killed_demo_leaves_is_ended_by_the_next_one() -> None:
    process, demo = start_demo(VAR)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    (demo.var / "demo.json").unlink()
    process, demo = start_demo(VAR)
    alias = alias_of(demo.var)
    stop_demo(process)
    check_nothing_is_left(VAR, alias)


@pytest.mark.minicluster
@pytest.mark.root
@pytest.mark.slow
def test_the_check_carries_one_order_to_an_answering_machine_and_back() -> None:
    said = check_demo(VAR)
    assert "answers over HTTP" in said
    assert "The whole road works." in said


@pytest.mark.slow
def test_the_simulator_carries_one_order_without_any_host(tmp_path: Path) -> None:
    assert "The whole road works." in check_demo(tmp_path, "--simulator")


def check_demo(var: Path, *words: str) -> str:
    command = [sys.executable, "-m", "portal.cli", "demo", "--check", "--port", "0", "--var", str(var), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=540, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
