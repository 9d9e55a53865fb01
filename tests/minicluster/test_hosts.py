"""What a host of the minicluster offers, and what it must not reach."""

from __future__ import annotations

import json
import subprocess

import pytest

from portal.minicluster import Inventory
from tests.minicluster.conftest import Guests
from tests.minicluster.fixtures import run_on_host, wait_until

pytestmark = [pytest.mark.minicluster, pytest.mark.root]


def test_every_host_is_reached_by_ssh_under_its_own_name(minicluster: Inventory) -> None:
    names = [run_on_host(minicluster, host, "hostname").strip() for host in minicluster.hosts]
    assert names == ["hv1", "hv2", "hv3"]


def test_hosts_know_each_other_by_name(minicluster: Inventory) -> None:
    answer = run_on_host(minicluster, minicluster.hosts[0], "getent hosts hv3")
    assert answer.split()[0] == minicluster.hosts[2].address


def test_libvirt_answers_over_ssh_and_each_host_has_its_own_identity(minicluster: Inventory) -> None:
    uuids = {run_on_host(minicluster, host, "virsh capabilities | grep -m1 '<uuid>'") for host in minicluster.hosts}
    assert len(uuids) == 3


def test_the_three_networks_of_vivero_run(minicluster: Inventory) -> None:
    names = run_on_host(minicluster, minicluster.hosts[1], "virsh net-list --name --autostart").split()
    assert sorted(names) == ["vivero-department", "vivero-isolated", "vivero-quarantine"]


def test_a_host_says_which_accelerator_was_proven(minicluster: Inventory) -> None:
    facts = json.loads(run_on_host(minicluster, minicluster.hosts[0], "cat /etc/vivero/host.json"))
    kvm_is_there = "kvm" in run_on_host(minicluster, minicluster.hosts[0], "ls /dev").split()
    assert facts["accelerator"] in {"kvm", "qemu"}
    assert kvm_is_there == (facts["accelerator"] == "kvm")


def test_hosts_share_one_cabinet(minicluster: Inventory) -> None:
    run_on_host(minicluster, minicluster.hosts[0], "echo hello > /srv/vivero/greeting")
    assert (
        run_on_host(minicluster, minicluster.hosts[2], "cat /srv/vivero/greeting; rm /srv/vivero/greeting") == "hello\n"
    )
    assert not (minicluster.cabinet / "greeting").exists()


@pytest.mark.parametrize("switch", ["/proc/sys/kernel/panic", "/proc/sys/vm/swappiness", "/sys/power/state"])
def test_a_host_cannot_turn_a_switch_of_the_machine(minicluster: Inventory, switch: str) -> None:
    answer = run_on_host(minicluster, minicluster.hosts[0], f"sh -c 'echo 1 > {switch}' 2>&1 || true")
    assert "Read-only file system" in answer


def test_a_host_cannot_set_the_machines_clock(minicluster: Inventory) -> None:
    answer = run_on_host(minicluster, minicluster.hosts[0], "date -s '2001-01-01' 2>&1 || true")
    assert "Operation not permitted" in answer


def test_a_host_cannot_make_itself_a_device_of_the_machine(minicluster: Inventory) -> None:
    answer = run_on_host(minicluster, minicluster.hosts[0], "mknod /root/disk b 254 0 2>&1 || true")
    assert "Operation not permitted" in answer


def test_a_host_sees_neither_the_machines_files_nor_its_disks_nor_its_keys(minicluster: Inventory) -> None:
    seen = run_on_host(
        minicluster, minicluster.hosts[0], "ls /home /boot /work 2>&1 | grep -vc 'No such'; ls /dev /etc/ssh"
    )
    assert seen.splitlines()[0] == "0"
    assert not any(name.startswith(("vd", "sd", "nvme", "loop")) for name in seen.split())
    assert "ssh_host_rsa_key" not in seen


def test_nothing_of_a_host_listens_but_ssh(minicluster: Inventory) -> None:
    listening = run_on_host(minicluster, minicluster.hosts[0], "cat /proc/net/tcp /proc/net/tcp6")
    ports = {int(line.split()[1].split(":")[1], 16) for line in listening.splitlines() if " 0A " in line}
    assert ports == {22}


def test_a_password_is_not_even_asked_for(minicluster: Inventory) -> None:
    host = minicluster.hosts[0]
    options = ["-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={minicluster.known_hosts}", "-o", "IdentitiesOnly=yes"]
    command = ["ssh", *options, "-i", "/dev/null", f"root@{host.address}", "true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert "Permission denied (publickey)" in done.stderr


def test_a_guest_gets_the_reserved_address(minicluster: Inventory, guests: Guests) -> None:
    prefix = minicluster.department_gateway.rsplit(".", 1)[0]
    reservation = minicluster.cabinet / "dhcp" / "reserved"
    host = minicluster.hosts[1]
    for mac in ("52:54:00:00:00:0a", "52:54:00:00:00:0b"):  # the second machine inherits the first one's address
        reservation.write_text(f"{mac},{prefix}.77,reserved\n")
        guests.start(minicluster, host, "reserved", mac=mac)
        assert wait_until(lambda mac=mac: f"{mac} {prefix}.77" in leases(minicluster))
        guests.destroy(minicluster, host, "reserved")
        reservation.unlink()
        assert wait_until(lambda mac=mac: mac not in leases(minicluster))


def test_a_guest_without_reservation_gets_no_address(minicluster: Inventory, guests: Guests) -> None:
    log = minicluster.cabinet.parent / "dhcp" / "dnsmasq.log"
    guests.start(minicluster, minicluster.hosts[0], "stranger", mac="52:54:00:00:00:0c")
    assert wait_until(lambda: "52:54:00:00:00:0c no address available" in log.read_text())
    guests.destroy(minicluster, minicluster.hosts[0], "stranger")
    assert "52:54:00:00:00:0c" not in leases(minicluster)


def test_a_guest_in_quarantine_cannot_reach_its_neighbours(minicluster: Inventory, guests: Guests) -> None:
    host = minicluster.hosts[2]
    guests.start(minicluster, host, "old-windows", network="vivero-quarantine")
    ports = run_on_host(minicluster, host, "cat /sys/class/net/br-quarantine/brif/*/isolated").split()
    guests.destroy(minicluster, host, "old-windows")
    assert ports == ["1"]


def leases(inventory: Inventory) -> str:
    return (inventory.cabinet.parent / "dhcp" / "leases").read_text()
