"""An order of a seat as it comes out of the portal."""

from __future__ import annotations

from typing import Any

SEAT_ID = "1beab11e-54a6-5f04-ac12-9656c688f760"
WEB_ID = "85f2635f-ba73-5171-b5fd-de4e763700f7"
PACS_ID = "c8949b47-5ce2-5c83-bb64-7aaf42e7c8d7"
HARDWARE = {
    "machine": "pc",
    "firmware": "bios",
    "disk_bus": "virtio",
    "nic_model": "virtio",
    "clock": "utc",
    "video": "vga",
    "cpu_model": "qemu64",
}


def seat_order() -> dict[str, Any]:
    return {
        "seat_id": SEAT_ID,
        "label": "class 4f2a, seat 7",
        "networks": [{"name": "lan", "cidr": "10.10.0.0/24", "gateway": "10.10.0.254"}],
        "machines": [machine(WEB_ID, "web", 0), machine(PACS_ID, "pacs", 1)],
        "doors": [{"name": "web", "network": "lan", "address": "10.10.0.10", "port": 80}],
        "image": None,
        "fresh": False,
    }


def machine(vm_id: str, name: str, number: int) -> dict[str, Any]:
    return {
        "vm_id": vm_id,
        "name": f"class-00000000-07-{name}",
        "host_name": name,
        "template_disk": "templates/micro-linux/v1.qcow2",
        "vcpus": 1,
        "memory_mib": 128,
        "disk_gib": 1,
        "hardware": HARDWARE,
        "cards": [{"network": "lan", "mac": f"52:54:00:5e:{number:02x}:00", "address": f"10.10.0.{10 + number}"}],
        "personalisation": "cloud-init",
        "parameters": {},
        "keyboard": "es",
    }
