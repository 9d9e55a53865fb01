"""micro-linux, really built and really booted: it says who it is, serves, answers, keeps its disk, and switches off."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.templates_vm.conftest import BuildDisk
from tests.templates_vm.qemu_guest import running_guest, write_seed

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="a template is built by root"),
]
SEED = {"instance_id": "one", "hostname": "prueba-1", "keyboard": "es"}


@pytest.fixture(scope="module")
def disk(build_disk: BuildDisk) -> Path:
    return build_disk("micro-linux")


def test_it_takes_its_name_from_the_seed_serves_and_answers(disk: Path, folder: Path) -> None:
    with running_guest(disk, folder, memory_mib=128, seed=write_seed(folder, SEED)) as guest:
        guest.wait_for("vivero ready prueba-1 10.0.2.15")
        guest.type("\nwget -qO- http://127.0.0.1/ | grep h1\n")
        guest.wait_for("<h1>prueba-1</h1>")
        interfaces = guest.ask_agent("guest-network-get-interfaces")
        assert "10.0.2.15" in str(interfaces)
        guest.press_power_button()
        assert guest.process.poll() == 0


def test_an_ordered_password_is_asked_for_and_its_disk_grows(disk: Path, folder: Path) -> None:
    seed = write_seed(folder, {**SEED, "parameter_password": "cañón 9$|"})
    with running_guest(disk, folder, memory_mib=128, seed=seed) as guest:
        guest.wait_for("prueba-1 login:")
        guest.type("vivero\n")
        guest.wait_for("Password:")
        guest.type("cañón 9$|\n")
        guest.wait_for("vivero@prueba-1")
        # the root grows in the background, once the machine is ready
        guest.type("until df -m / | grep -qE ' [56][0-9]{3} '; do usleep 200000; done; echo gro''wn\n")
        guest.wait_for("grown")
        guest.type("cat /etc/vivero/parameters.json\n")
        guest.wait_for("Permission denied")


def test_what_is_written_is_still_there_after_a_restart_and_it_is_no_new_machine(disk: Path, folder: Path) -> None:
    seed = write_seed(folder, SEED)
    with running_guest(disk, folder, memory_mib=128, seed=seed) as guest:
        guest.wait_for("vivero ready")
        guest.type("\necho kept-on-disk >note; sync; echo writ''ten\n")
        guest.wait_for("written")
    with running_guest(disk, folder, memory_mib=128, seed=seed) as guest:
        guest.wait_for("vivero-seed: nothing new")
        guest.wait_for("vivero ready")
        guest.type("\ncat note\n")
        guest.wait_for("kept-on-disk")


def test_without_a_seed_it_boots_under_its_own_name(disk: Path, folder: Path) -> None:
    with running_guest(disk, folder, memory_mib=128) as guest:
        guest.wait_for("vivero ready micro-linux")


FILTER = """flush ruleset
table inet trial {
    chain out {
        type filter hook output priority 0; policy drop;
        oif lo accept
        log prefix "trial-out "
    }
}
"""


def test_whoever_sits_at_it_filters_its_packets_and_the_filter_is_there_again_after_a_restart(
    disk: Path, folder: Path
) -> None:
    """Real packets: QEMU's own gateway answers pings until the filter throws them away."""
    seed = write_seed(folder, SEED)
    with running_guest(disk, folder, memory_mib=128, seed=seed) as guest:
        guest.wait_for("vivero ready")
        guest.type("\nping -c 1 -W 3 10.0.2.2 >/dev/null && echo pas''ses\n")
        guest.wait_for("passes")
        guest.type(f"cat >/etc/nftables.conf <<'END'\n{FILTER}END\nnft -f /etc/nftables.conf\n")
        guest.type("ping -c 1 -W 3 10.0.2.2; dmesg | grep -q 'trial-out.*DST=10.0.2.2' && sync && echo log''ged\n")
        guest.wait_for("logged")
    with running_guest(disk, folder, memory_mib=128, seed=seed) as guest:
        guest.wait_for("vivero ready")
        guest.type("\nping -c 1 -W 3 10.0.2.2 >/dev/null 2>&1 || echo drop''ped\n")
        guest.wait_for("dropped")
        guest.type("nft flush ruleset; ping -c 1 -W 3 10.0.2.2 >/dev/null && echo pas''ses\n")
        guest.wait_for("passes")
