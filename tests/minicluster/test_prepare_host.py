"""prepare_host.yml finds nothing to do on a minicluster host, and release_host.yml is its undo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.config import ROOT
from portal.minicluster import Inventory, Minicluster
from tests.minicluster.conftest import Guests
from tests.minicluster.fixtures import run_on_host

pytestmark = [pytest.mark.minicluster, pytest.mark.root, pytest.mark.slow]

NO_SYSTEM = {"prepare_host_install_packages": False, "prepare_host_manage_system": False}


def play(inventory: Inventory, name: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the playbook on the first host alone."""
    host = inventory.hosts[0]
    line = f"{host.name} ansible_host={host.address} ansible_user=root ansible_python_interpreter=/usr/bin/python3"
    line += f" ansible_ssh_private_key_file={inventory.ssh_key}"
    line += f" ansible_ssh_common_args='-o UserKnownHostsFile={inventory.known_hosts}'\n"
    (tmp_path / "hosts").write_text(line)
    program = str(Path(sys.executable).parent / "ansible-playbook")
    command = [program, "-i", str(tmp_path / "hosts"), "-e", json.dumps(NO_SYSTEM), str(ROOT / "playbooks" / name)]
    environment = {**os.environ, "ANSIBLE_PIPELINING": "1", "ANSIBLE_HOME": str(tmp_path)}
    return subprocess.run(command, text=True, capture_output=True, timeout=120, env=environment, check=False)


def networks(inventory: Inventory) -> list[str]:
    return sorted(run_on_host(inventory, inventory.hosts[0], "virsh net-list --name").split())


def test_a_minicluster_host_is_what_prepare_host_makes(own_minicluster: Minicluster, tmp_path: Path) -> None:
    done = play(own_minicluster.up(), "prepare_host.yml", tmp_path)
    assert "changed=0 " in done.stdout
    assert "failed=0 " in done.stdout


def test_release_takes_the_networks_away_and_prepare_brings_them_back(
    own_minicluster: Minicluster, tmp_path: Path
) -> None:
    inventory = own_minicluster.up()
    before = networks(inventory)
    assert play(inventory, "release_host.yml", tmp_path).returncode == 0
    assert networks(inventory) == []
    assert play(inventory, "prepare_host.yml", tmp_path).returncode == 0
    assert networks(inventory) == before


def test_a_host_with_machines_is_not_released(own_minicluster: Minicluster, guests: Guests, tmp_path: Path) -> None:
    inventory = own_minicluster.up()
    guests.start(inventory, inventory.hosts[0], "still-here")
    done = play(inventory, "release_host.yml", tmp_path)
    assert "machines still use these networks: still-here" in done.stdout
    assert len(networks(inventory)) == 3
