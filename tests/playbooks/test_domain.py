"""The definitions that libvirt is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible.module_utils.vivero_domain import HostWays, domain_xml
from ansible.module_utils.vivero_machine import read_machine
from ansible.module_utils.vivero_storage import Places


def parsed(order: dict[str, Any], accelerator: str = "qemu", *, first_boot: bool = False) -> ElementTree.Element:
    machine = read_machine(order, {})
    places = Places(Path("/srv/vivero"), machine.vm_id)
    text = domain_xml(machine, places, HostWays(accelerator, "none"), first_boot=first_boot)
    return ElementTree.fromstring(text)  # noqa: S314 - ours


def attributes(domain: ElementTree.Element, path: str) -> dict[str, str]:
    element = domain.find(path)
    assert element is not None, path
    return element.attrib


def test_a_machine_gets_what_was_ordered(order: dict[str, Any]) -> None:
    domain = parsed(order, "kvm")
    assert domain.get("type") == "kvm"
    assert [domain.findtext(tag) for tag in ("name", "uuid", "vcpu", "memory")] == [
        "wiki-farmacia",
        order["vm_id"],
        "2",
        "512",
    ]
    assert attributes(domain, "devices/disk/target") == {"dev": "vda", "bus": "virtio"}
    assert attributes(domain, "devices/interface/mac") == {"address": order["mac"]}


def test_machines_of_departments_share_no_memory_with_neighbours(order: dict[str, Any]) -> None:
    assert parsed(order).find("memoryBacking/nosharepages") is not None


def test_the_owner_is_marked_and_cannot_break_out_of_the_mark(order: dict[str, Any]) -> None:
    domain = parsed({**order, "owner": "Ada \"'/><evil/>"})
    assert attributes(domain, "metadata/{https://vivero.invalid/ns/1}vm") == {"owner": "Ada \"'/><evil/>"}


def test_consoles_are_unix_sockets_with_the_spanish_keyboard(order: dict[str, Any]) -> None:
    domain = parsed(order)
    folder = f"/run/vivero/{order['vm_id']}"
    assert attributes(domain, "devices/graphics") == {"type": "vnc", "keymap": "es"}
    assert attributes(domain, "devices/graphics/listen") == {"type": "socket", "socket": f"{folder}/vnc.sock"}
    assert attributes(domain, "devices/serial/source")["path"] == f"{folder}/serial.sock"


def test_an_old_windows_gets_no_device_that_it_has_no_driver_for(old_windows: dict[str, Any]) -> None:
    domain = parsed(old_windows)
    assert attributes(domain, "devices/disk/target") == {"dev": "hda", "bus": "ide"}
    assert attributes(domain, "clock") == {"offset": "localtime"}
    assert attributes(domain, "devices/memballoon") == {"model": "none"}
    assert [domain.find(path) for path in ("genid", "devices/rng", "devices/channel")] == [None, None, None]


def test_a_machine_in_quarantine_cannot_talk_to_its_neighbours(old_windows: dict[str, Any]) -> None:
    domain = parsed(old_windows)
    assert attributes(domain, "devices/interface/port") == {"isolated": "yes"}
    assert attributes(domain, "devices/interface/source") == {"network": "vivero-quarantine"}


@pytest.mark.parametrize(("first_boot", "kinds"), [(True, ["disk", "cdrom", "floppy"]), (False, ["disk", "cdrom"])])
def test_only_the_first_boot_has_the_floppy(old_windows: dict[str, Any], first_boot: bool, kinds: list[str]) -> None:
    domain = parsed(old_windows, first_boot=first_boot)
    assert [disk.get("device") for disk in domain.iterfind("devices/disk")] == kinds


def test_a_machine_without_personalisation_has_only_its_disk(order: dict[str, Any]) -> None:
    domain = parsed({**order, "personalisation": "none"})
    assert len(domain.findall("devices/disk")) == 1
