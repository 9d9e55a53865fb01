"""The probe boot is a real boot: it ends under software emulation, and only a working accelerator passes."""

from __future__ import annotations

import json
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from portal.config import ROOT

SCRIPT = ROOT / "playbooks" / "roles" / "prepare_host" / "files" / "probe_accelerator.py"

pytestmark = pytest.mark.minicluster


@pytest.fixture
def probe() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


def test_the_boot_sector_runs_to_its_end(probe: dict[str, Any]) -> None:
    assert probe["boots_with"]("tcg", "qemu64", timeout_s=30)


def test_a_guest_that_takes_too_long_counts_as_hanging(probe: dict[str, Any]) -> None:
    assert not probe["boots_with"]("tcg", "qemu64", timeout_s=0.05)


def test_an_accelerator_that_is_not_there_does_not_work(probe: dict[str, Any]) -> None:
    assert not probe["boots_with"]("hax", "host", timeout_s=10)


def test_the_answer_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "vivero" / "host.json"
    command = ["/usr/bin/python3", "-I", str(SCRIPT), "--write", str(path)]
    said = [subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout for _ in range(2)]
    assert said == ["changed\n", ""]
    assert json.loads(path.read_text())["accelerator"] in {"kvm", "qemu"}
