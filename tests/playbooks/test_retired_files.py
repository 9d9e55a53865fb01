"""What is taken away with a machine, and what is left while another host still has it."""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import UUID

import libvirt
import pytest
from ansible.module_utils.vivero_storage import Places

sys.path.append(str(Path(__file__).resolve().parents[2] / "playbooks" / "library"))

from vivero_retire_vms import retire  # noqa: E402 - it lies where Ansible looks for modules

from tests.playbooks.conftest import VM_ID  # noqa: E402


class EmptyHost:
    """libvirt on a host without machines."""

    def lookupByUUIDString(self, vm_id: str) -> libvirt.virDomain:  # noqa: N802 - libvirt's own name
        error = libvirt.libvirtError("no domain")
        error.err = (libvirt.VIR_ERR_NO_DOMAIN, 0, "no domain", 0, "", "", "", 0, 0)
        raise error


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path, UUID(VM_ID), tmp_path / "run")
    places.folder.mkdir(parents=True)
    places.disk.touch()
    places.dhcp.parent.mkdir()
    places.dhcp.touch()
    return places


def test_the_files_go_with_the_machine(places: Places) -> None:
    assert retire(EmptyHost(), places, None, keep_files=False)
    assert not places.folder.exists()
    assert not places.dhcp.exists()


def test_the_files_stay_while_another_host_has_the_machine(places: Places) -> None:
    assert not retire(EmptyHost(), places, None, keep_files=True)
    assert places.disk.exists()
    assert places.dhcp.exists()
