"""Leases go with their reservations."""

from __future__ import annotations

from pathlib import Path

from portal.minicluster.dhcp_server import forget_orphans, look

ADA = "1795492815 52:54:00:00:00:01 10.77.16.20 ada 01:52:54:00:00:00:01\n"
TOM = "1795492815 52:54:00:00:00:02 10.77.16.21 tom 01:52:54:00:00:00:02\n"


def reserve(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"{text}\n")


def test_a_lease_without_reservation_is_forgotten(tmp_path: Path) -> None:
    leases = tmp_path / "leases"
    leases.write_text(ADA + TOM)
    reserve(tmp_path / "dhcp", "ada", "52:54:00:00:00:01,10.77.16.20,ada")
    forget_orphans(leases, tmp_path / "dhcp")
    assert leases.read_text() == ADA


def test_a_lease_of_a_machine_that_moved_to_another_address_is_forgotten(tmp_path: Path) -> None:
    leases = tmp_path / "leases"
    leases.write_text(ADA)
    reserve(tmp_path / "dhcp", "ada", "52:54:00:00:00:01,10.77.16.99,ada")
    forget_orphans(leases, tmp_path / "dhcp")
    assert leases.read_text() == ""


def test_without_leases_there_is_nothing_to_forget(tmp_path: Path) -> None:
    forget_orphans(tmp_path / "leases", tmp_path)
    assert not (tmp_path / "leases").exists()


def test_a_rewritten_reservation_is_seen(tmp_path: Path) -> None:
    reserve(tmp_path / "dhcp", "ada", "52:54:00:00:00:01,10.77.16.20,ada")
    before = look(tmp_path / "dhcp")
    reserve(tmp_path / "dhcp", "ada", "52:54:00:00:00:01,10.77.16.200,ada")
    assert look(tmp_path / "dhcp") != before
