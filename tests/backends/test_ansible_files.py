"""What reaches Ansible: people's input as data, never as an expression."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible._internal._datatag._tags import TrustedAsTemplate
from ansible.parsing.dataloader import DataLoader

from portal.backends.ansible_files import SshWay, as_yaml, document, inventory_yaml
from portal.interfaces import HostAddress, PlaybookRun

AWKWARD = ["{{ lookup('pipe', 'id') }}", 'a"b\\c', "Ñandú 😀", "a\nb\tc\0d", "\u2028\ufeff\x7f\x85", "!unsafe x", "- #"]


NUMBERLIKE = ["52:54:00:51:23:48", "yes", "2026-01-01", "0123", "1e3", "~", ""]


def loaded(text: str) -> Any:
    """As Ansible itself reads the file."""
    return DataLoader().load(text)


@pytest.mark.parametrize("text", AWKWARD)
def test_texts_arrive_as_they_were_typed(text: str) -> None:
    assert loaded(document({text: [text, 1, None, True, 1.5]})) == {text: [text, 1, None, True, 1.5]}


@pytest.mark.parametrize("text", NUMBERLIKE)
def test_a_hardware_address_of_digits_alone_stays_a_text(text: str) -> None:
    assert loaded(document({"machines": [{"mac": text}]})) == {"machines": [{"mac": text}]}


def test_no_text_is_evaluated_as_an_expression() -> None:
    inner = loaded(document({"a": ["{{ x }}", {"b": "{{ y }}"}]}))["a"]
    assert not TrustedAsTemplate.is_tagged_on(inner[0])
    assert not TrustedAsTemplate.is_tagged_on(inner[1]["b"])


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_what_cannot_travel_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        as_yaml(value)  # type: ignore[arg-type]


def test_a_host_brings_its_variables_and_its_key() -> None:
    run = PlaybookRun("x", (HostAddress("hv1", "10.77.0.11"),), {}, {"hv1": {"clone_vms_machines": []}})
    text = inventory_yaml(run, SshWay(Path("/key"), Path("/known"), Path("/control")))
    host = loaded(text)["all"]["hosts"]["hv1"]
    assert host["ansible_host"] == "10.77.0.11"
    assert host["ansible_ssh_private_key_file"] == "/key"
    assert host["clone_vms_machines"] == []


def test_unknown_host_keys_are_never_accepted() -> None:
    arguments = " ".join(SshWay(Path("/key"), Path("/known"), Path("/control")).arguments())
    assert "StrictHostKeyChecking=yes" in arguments
    assert "UserKnownHostsFile=/known" in arguments
