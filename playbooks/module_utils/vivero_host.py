"""What this host was found to be when it was prepared."""

from __future__ import annotations

import json
from pathlib import Path

HOST_FACTS = Path("/etc/vivero/host.json")


def read_accelerator() -> str:
    """Written by prepare_host after a probe boot; emulation always works."""
    try:
        accelerator = json.loads(HOST_FACTS.read_text()).get("accelerator")
    except FileNotFoundError:
        return "qemu"
    return "kvm" if accelerator == "kvm" else "qemu"
