"""`vivero lab check` on real hosts: the very command that a hospital runs, over a database and a cabinet of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from portal.backends.hypervisor_libvirt import LibvirtHypervisor
from portal.cli import lab_check, make_app
from portal.minicluster import Inventory


@dataclass
class LabDesk:
    """A portal that knows these hosts, and the templates that are built in their cabinet."""

    inventory: Inventory

    def vivero(self, *words: str) -> tuple[int, str]:
        result = CliRunner().invoke(make_app([words[0]]), list(words))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    def check(self, slug: str) -> None:
        """Fails with what the command said unless the lab is proven and nothing of its seat is left."""
        code, said = self.vivero("lab", "check", slug)
        assert (code, "proven" in said) == (0, True), said
        assert self.seats_left() == set()

    def seats_left(self) -> set[object]:
        """On all hosts."""
        inventory = self.inventory
        hypervisor = LibvirtHypervisor(
            ssh_key=inventory.ssh_key, known_hosts=inventory.known_hosts, storage_dir=inventory.storage_dir
        )
        try:
            return {seat for host in inventory.hosts for seat in hypervisor.seat_traces(host).seats}
        finally:
            hypervisor.close()


@contextmanager
def lab_desk(inventory: Inventory, var: Path) -> Iterator[LabDesk]:
    """One host is enough: nothing is kept in reserve."""
    settings = {
        "VAR": var,
        "SSH_KEY": inventory.ssh_key,
        "SSH_KNOWN_HOSTS": inventory.known_hosts,
        "STORAGE_DIR": inventory.storage_dir,
        "CABINET": inventory.cabinet,
        "DEPARTMENT_NETWORK": inventory.department_network,
        "DEPARTMENT_GATEWAY": inventory.department_gateway,
        "RESERVE_HOSTS": 0,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(f"VIVERO_{name}", str(value))
        patch.setattr(lab_check, "set_up_logging", lambda stream, libraries: None)  # it would outlive the test
        desk = LabDesk(inventory)
        host = inventory.hosts[0]
        for words in (("migrate",), ("host", "add", host.name, host.address), ("host", "refresh")):
            code, said = desk.vivero(*words)
            assert code == 0, said
        yield desk
