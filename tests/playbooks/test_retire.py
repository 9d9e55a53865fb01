"""Taking machines away, against libvirt's own test driver."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import libvirt
import pytest

from portal.config import ROOT

LIBRARY = ROOT / "playbooks" / "library" / "vivero_retire_vms.py"
VM_ID = UUID("4f0c2e16-3f2f-4b5d-9a3b-6e6c1d2e3f40")
NODE = f"""<node><domain type='test'><name>wiki</name><uuid>{VM_ID}</uuid><memory>1024</memory>
<metadata><v:vm xmlns:v='https://vivero.invalid/ns/1'/></metadata><os><type>hvm</type></os></domain></node>"""


class Impatient:
    """A domain that somebody starts again as soon as it is off."""

    def __init__(self, domain: Any) -> None:
        self._domain = domain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._domain, name)

    def destroy(self) -> None:
        self._domain.destroy()
        with suppress(libvirt.libvirtError):  # there is nothing left to start
            self._domain.create()


class Connection:
    def __init__(self, domain: Any) -> None:
        self._domain = domain

    def lookupByUUIDString(self, _vm_id: str) -> Any:  # noqa: N802 - libvirt's name
        return self._domain


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("vivero_retire_vms", LIBRARY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "UNDEFINE", 0)  # the test driver knows none of these flags
    monkeypatch.setattr(module, "NVRAM", {True: 0, False: 0})
    return module


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Any]:
    """With one machine of ours, which runs."""
    libvirt.registerErrorHandler(lambda context, error: None, None)
    node = tmp_path / "node.xml"
    node.write_text(NODE)
    connection = libvirt.open(f"test://{node}")
    yield connection
    connection.close()


def names(connection: Any) -> list[str]:
    return [domain.name() for domain in connection.listAllDomains()]


def test_a_machine_started_while_it_is_taken_away_does_not_stay(module: ModuleType, connection: Any) -> None:
    domain = connection.lookupByUUIDString(str(VM_ID))
    assert module.remove_domain(Connection(Impatient(domain)), VM_ID, keep_files=False)
    assert names(connection) == []


def test_a_machine_that_is_off_is_taken_away(module: ModuleType, connection: Any) -> None:
    connection.lookupByUUIDString(str(VM_ID)).destroy()
    assert names(connection) == ["wiki"]
    assert module.remove_domain(connection, VM_ID, keep_files=False)
    assert names(connection) == []


def test_a_machine_whose_definition_is_gone_already_is_still_stopped(module: ModuleType, connection: Any) -> None:
    connection.lookupByUUIDString(str(VM_ID)).undefine()
    assert module.remove_domain(connection, VM_ID, keep_files=False)
    assert names(connection) == []


def test_a_machine_that_is_not_there_counts_as_removed(module: ModuleType, connection: Any) -> None:
    assert not module.remove_domain(connection, UUID(int=1), keep_files=False)
