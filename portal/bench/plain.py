"""The plain playbook that most people write: every machine an inventory host, every task once a machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from portal.bench.ground import Ground
from portal.bench.raw import MEMORY_MIB, spread
from portal.config import ROOT
from portal.core.errors import N_, OutsideUnavailable

PLAYBOOK = ROOT / "playbooks" / "bench" / "plain_clones.yml"
FORKS = 30  # generous: Ansible's own default is 5, with which it is slower still
PATIENCE_S = 900


def seconds_of_plain(ground: Ground, count: int) -> float:
    """From the start of ansible-playbook to its end, when the last machine runs."""
    inventory = ground.var / "plain.json"
    inventory.write_text(json.dumps(inventory_of(ground, count)))
    begun = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), str(PLAYBOOK)],
        env={**os.environ, **environ_of(ground)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode != 0:
        raise OutsideUnavailable(
            N_("The plain playbook failed: %(said)s"), said=(done.stdout + done.stderr).strip()[-800:]
        )
    return time.monotonic() - begun


def inventory_of(ground: Ground, count: int) -> dict[str, Any]:
    reached = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(ground.ssh.key),
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    hypervisors = {
        host.name: {"ansible_host": host.address, "ansible_port": host.port, **reached, "ansible_user": host.user}
        for host in ground.inventory.hosts
    }
    machines = {one.name: {"plain_clones_hypervisor": one.host.name} for one in spread(ground.inventory.hosts, count)}
    variables = {
        "plain_clones_template": ground.template_disk,
        "plain_clones_folder": ground.folder,
        "accelerator": ground.accelerator,
        "memory_mib": MEMORY_MIB,
    }
    return {"hypervisors": {"hosts": hypervisors}, "machines": {"hosts": machines, "vars": variables}}


def environ_of(ground: Ground) -> dict[str, str]:
    return {
        "ANSIBLE_CONFIG": str(ROOT / "playbooks" / "ansible.cfg"),
        "ANSIBLE_FORKS": str(FORKS),
        "ANSIBLE_SSH_ARGS": " ".join(ground.ssh.arguments()),
        "ANSIBLE_SSH_CONTROL_PATH": ground.ssh.control_path,
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_NOCOLOR": "true",
        "LC_ALL": "C.UTF-8",
    }
