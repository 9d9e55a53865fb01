"""What a real host may do to us: hang, break the line, come back."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from portal.backends.hypervisor_libvirt import LibvirtHypervisor
from portal.core.errors import HypervisorUnavailable
from portal.interfaces import HostAddress
from portal.minicluster import Inventory, Minicluster
from tests.minicluster.fixtures import run_on_host, wait_until

pytestmark = [pytest.mark.minicluster, pytest.mark.root, pytest.mark.slow]


def processes_of(host_pid: int, name: str) -> list[int]:
    """Processes in the host's own namespace, seen from outside."""
    namespace = Path(f"/proc/{host_pid}/ns/pid").readlink()
    found = []
    for folder in Path("/proc").iterdir():
        try:
            ours = folder.name.isdigit() and (folder / "ns/pid").readlink() == namespace
            if ours and re.search(name, (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()):
                found.append(int(folder.name))
        except OSError:  # it has ended meanwhile
            continue
    return found


@pytest.fixture
def inventory(own_minicluster: Minicluster) -> Inventory:
    return own_minicluster.up()


@pytest.fixture
def hypervisor(inventory: Inventory) -> Iterator[LibvirtHypervisor]:
    found = LibvirtHypervisor(
        ssh_key=inventory.ssh_key, known_hosts=inventory.known_hosts, storage_dir=inventory.storage_dir
    )
    yield found
    found.close()


@pytest.fixture
def host_pid(own_minicluster: Minicluster, inventory: Inventory) -> int:
    files = sorted(own_minicluster.state_dir.glob("hosts/hv1/pid"))
    return int(files[0].read_text().split()[0])


def test_a_frozen_host_is_given_up_in_time_and_used_again_once_it_thaws(
    inventory: Inventory, hypervisor: LibvirtHypervisor, host_pid: int
) -> None:
    host = inventory.hosts[0]
    assert hypervisor.machines(host) == []
    frozen = processes_of(host_pid, r"libvirtd|sshd")
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        for ask in (lambda: hypervisor.machines(host), lambda: hypervisor.serial_log(host, uuid4())):
            began = time.monotonic()
            with pytest.raises(HypervisorUnavailable):
                ask()
            assert time.monotonic() - began < 20
        assert hypervisor.machines(inventory.hosts[1]) == []  # the others are not held up
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    assert wait_until(lambda: answers(hypervisor, host), timeout_s=60)


def test_a_broken_line_is_mended_without_a_word(
    inventory: Inventory, hypervisor: LibvirtHypervisor, host_pid: int
) -> None:
    host = inventory.hosts[0]
    assert hypervisor.machines(host) == []
    assert hypervisor.leftovers(host).vm_folders == frozenset()
    for pid in processes_of(host_pid, r"sshd: root"):
        os.kill(pid, signal.SIGKILL)
    assert hypervisor.machines(host) == []
    assert wait_until(lambda: hypervisor.leftovers(host).vm_folders == frozenset())


def test_a_host_whose_key_changed_is_not_talked_to(inventory: Inventory, tmp_path: Path) -> None:
    host = inventory.hosts[0]
    (tmp_path / "known_hosts").write_text(inventory.known_hosts.read_text().replace("AAAAC3", "AAAAC4"))
    stranger = LibvirtHypervisor(
        ssh_key=inventory.ssh_key, known_hosts=tmp_path / "known_hosts", storage_dir=inventory.storage_dir
    )
    for ask in (lambda: stranger.machines(host), lambda: stranger.leftovers(host)):
        with pytest.raises(HypervisorUnavailable):
            ask()
    stranger.close()
    assert run_on_host(inventory, host, "true") == ""


def answers(hypervisor: LibvirtHypervisor, host: HostAddress) -> bool:
    try:
        return hypervisor.machines(host) == []
    except HypervisorUnavailable:
        return False
