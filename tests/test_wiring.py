"""The parts are chosen by name, and the simulator needs neither libvirt nor Ansible."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from portal.config import ROOT, Settings, read_settings
from portal.core.errors import Invalid
from portal.wiring import CONSOLES, HYPERVISORS, MAILERS, PLAYBOOKS, REACHABILITIES, build_site

SIMULATOR = {"VIVERO_HYPERVISOR": "fake", "VIVERO_PLAYBOOKS": "fake"}


def settings_in(folder: Path, **changes: str) -> Settings:
    return replace(read_settings({"VIVERO_VAR": str(folder), **SIMULATOR}), **changes)  # type: ignore[arg-type]


def test_the_simulator_loads_neither_libvirt_nor_ansible(tmp_path: Path) -> None:
    code = (
        "import sys; from portal.config import read_settings; from portal.wiring import build_site;"
        "build_site(read_settings());"
        "sys.exit(bool({'libvirt', 'ansible_runner', 'asyncssh'} & set(sys.modules)))"
    )
    environ = {"VIVERO_VAR": str(tmp_path), **SIMULATOR}
    assert subprocess.run([sys.executable, "-c", code], env=environ, cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    "setting",
    ["hypervisor", "playbooks", "mailer"],
)
def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path, setting: str) -> None:
    with pytest.raises(Invalid, match=rf"VIVERO_{setting.upper()} is “vmware”, but must be one of: \w+"):
        build_site(settings_in(tmp_path, **{setting: "vmware"}))


def test_the_engine_cannot_live_in_another_database(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="must be the same database"):
        build_site(settings_in(tmp_path, engine_database_url="sqlite:////tmp/other.db"))


@pytest.mark.parametrize(
    "name", sorted({part for parts in (HYPERVISORS, PLAYBOOKS, REACHABILITIES, CONSOLES) for part in parts})
)
def test_every_part_can_be_made(tmp_path: Path, name: str) -> None:
    settings = settings_in(tmp_path)
    parts = [parts[name] for parts in (HYPERVISORS, PLAYBOOKS, REACHABILITIES, CONSOLES) if name in parts]
    assert all(part.make(settings) is not None for part in parts)


def test_every_mailer_can_be_made(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, smtp_url="smtp://localhost:2525")
    assert all(part.make(settings) is not None for part in MAILERS.values())
