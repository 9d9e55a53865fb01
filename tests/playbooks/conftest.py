"""Makes our modules' shared code importable under the name that it has on the hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ansible.module_utils
import pytest

SHARED = Path(__file__).resolve().parents[2] / "playbooks" / "module_utils"
ansible.module_utils.__path__.append(str(SHARED))

VM_ID = "4f0c2e16-3f2f-4b5d-9a3b-6e6c1d2e3f40"


@pytest.fixture
def order() -> dict[str, Any]:
    """An ordinary order, as it comes out of the portal; change a copy."""
    return {
        "vm_id": VM_ID,
        "name": "wiki-farmacia",
        "owner": "Ada",
        "template_disk": "templates/micro-linux/v1.qcow2",
        "linked": True,
        "vcpus": 2,
        "memory_mib": 512,
        "disk_gib": 1,
        "hardware": {
            "machine": "pc",
            "firmware": "bios",
            "disk_bus": "virtio",
            "nic_model": "virtio",
            "clock": "utc",
            "video": "vga",
            "cpu_model": "qemu64",
        },
        "network": "department",
        "mac": "52:54:00:00:00:01",
        "address": "10.77.16.10",
        "personalisation": "cloud-init",
        "parameters": {"title": "La wiki de Farmacia"},
        "keyboard": "es",
    }


@pytest.fixture
def old_windows(order: dict[str, Any]) -> dict[str, Any]:
    hardware = {"disk_bus": "ide", "nic_model": "rtl8139", "clock": "localtime", "video": "cirrus"}
    return {
        **order,
        "hardware": {**order["hardware"], **hardware},
        "network": "quarantine",
        "personalisation": "sysprep",
        "parameters": {"organisation": "Hospital de Málaga"},
    }
