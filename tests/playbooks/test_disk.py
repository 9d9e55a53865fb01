"""Disks: thin on the template or a copy, never smaller than it, never half-made."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.vivero_disk import GIB, make_disk, read_qcow2
from ansible.module_utils.vivero_machine import Refused, read_machine
from ansible.module_utils.vivero_storage import Places

pytestmark = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")


@pytest.fixture
def storage(tmp_path: Path, order: dict[str, Any]) -> Path:
    """A cabinet with a template of 2 GiB and the machine's folder."""
    template = tmp_path / order["template_disk"]
    template.parent.mkdir(parents=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(template), "2G"], check=True)
    (tmp_path / "vms" / order["vm_id"]).mkdir(parents=True)
    return tmp_path


def make(order: dict[str, Any], storage: Path) -> tuple[bool, Path]:
    machine = read_machine(order, {})
    places = Places(storage, machine.vm_id)
    return make_disk(machine, places), places.disk


def test_a_linked_disk_stands_on_the_template(order: dict[str, Any], storage: Path) -> None:
    changed, disk = make({**order, "disk_gib": 5}, storage)
    assert changed
    assert read_qcow2(disk).backing == str(storage / order["template_disk"])
    assert read_qcow2(disk).virtual_bytes == 5 * GIB
    assert disk.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_stands_alone(order: dict[str, Any], storage: Path) -> None:
    _, disk = make({**order, "linked": False, "disk_gib": 3}, storage)
    assert read_qcow2(disk).backing is None
    assert read_qcow2(disk).virtual_bytes == 3 * GIB


@pytest.mark.parametrize("linked", [True, False])
def test_a_disk_is_never_smaller_than_the_templates(order: dict[str, Any], storage: Path, linked: bool) -> None:
    _, disk = make({**order, "linked": linked, "disk_gib": 1}, storage)
    assert read_qcow2(disk).virtual_bytes == 2 * GIB


def test_a_disk_that_is_there_is_left_alone(order: dict[str, Any], storage: Path) -> None:
    _, disk = make(order, storage)
    number = disk.stat().st_ino
    assert make(order, storage) == (False, disk)
    assert disk.stat().st_ino == number


def test_the_half_disk_of_a_killed_run_is_replaced(order: dict[str, Any], storage: Path) -> None:
    (storage / "vms" / order["vm_id"] / ".disk.qcow2.new").write_text("half")
    _, disk = make(order, storage)
    assert [path.name for path in disk.parent.iterdir()] == ["disk.qcow2"]


def test_a_disk_of_another_template_is_not_taken_for_ours(order: dict[str, Any], storage: Path) -> None:
    make({**order, "linked": False}, storage)
    with pytest.raises(Refused, match="another template"):
        make(order, storage)


def test_a_missing_template_is_named(order: dict[str, Any], storage: Path) -> None:
    with pytest.raises(Refused, match=r"templates/moodle/v3\.qcow2 is not on this host"):
        make({**order, "template_disk": "templates/moodle/v3.qcow2"}, storage)


def test_a_template_that_leads_out_of_the_cabinet_is_refused(order: dict[str, Any], storage: Path) -> None:
    template = storage / order["template_disk"]
    template.unlink()
    template.symlink_to("/etc/passwd")
    with pytest.raises(Refused, match="leads out"):
        make(order, storage)


def test_what_is_no_qcow2_is_no_template(order: dict[str, Any], storage: Path) -> None:
    (storage / order["template_disk"]).write_text("not a disk")
    with pytest.raises(Refused, match="not a qcow2 disk"):
        make(order, storage)
