"""What a host refuses, whoever orders it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.vivero_machine import Refused, read_machine, read_vm_id

REFUSED = [
    ("vm_id", "../../etc"),
    ("vm_id", "4F0C2E16-3F2F-4B5D-9A3B-6E6C1D2E3F40"),
    ("name", "wiki; rm -rf /"),
    ("name", "-wiki"),
    ("name", "w" * 64),
    ("template_disk", "templates/../../etc/shadow"),
    ("template_disk", "/etc/shadow"),
    ("vcpus", 0),
    ("vcpus", True),
    ("memory_mib", "512"),
    ("disk_gib", 10**9),
    ("network", "default"),
    ("mac", "52:54:00:00:00"),
    ("address", "10.77.16.10,evil"),
    ("personalisation", "floppy"),
    ("keyboard", "es'/>"),
    ("owner", "Ada\nEve"),
    ("hardware", {}),
    ("parameters", {"Title\n": "x"}),
]


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_an_order_with_a_bad_field_is_refused(order: dict[str, Any], field: str, value: object) -> None:
    with pytest.raises(Refused):
        read_machine({**order, field: value}, {})


def test_an_ordinary_order_is_read(order: dict[str, Any]) -> None:
    machine = read_machine(order, {"password": "geheim"})
    assert str(machine.vm_id) == order["vm_id"]
    assert machine.all_parameters == {"title": "La wiki de Farmacia", "password": "geheim"}


def test_secrets_do_not_show_in_a_repr(order: dict[str, Any]) -> None:
    assert "geheim" not in repr(read_machine(order, {"password": "geheim"}))


def test_what_is_no_id_is_named_in_the_refusal() -> None:
    with pytest.raises(Refused, match="'nobody' is not a machine's id"):
        read_vm_id("nobody")
