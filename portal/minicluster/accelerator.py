"""Which accelerator works on this machine, proven by the probe boot of the playbook prepare_host.yml."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Accelerator:
    """`name` is "kvm" or "qemu"; `cpu_model` is the processor's own name."""

    name: str
    cpu_model: str


def prove_accelerator(role_files: Path) -> Accelerator:
    """Takes up to three seconds where /dev/kvm exists and hangs."""
    command = ["/usr/bin/python3", "-I", str(role_files / "probe_accelerator.py")]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=30).stdout)
    return Accelerator(answer["accelerator"], answer["cpu_model"])
