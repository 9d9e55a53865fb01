"""What reaches Ansible: people's input as data, never as an expression."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from portal.backends.ansible_files import SshWay, as_yaml, inventory_yaml
from portal.interfaces import HostAddress, PlaybookRun

AWKWARD = ["{{ lookup('pipe', 'id') }}", 'a"b\\c', "Ñandú 😀", "a\nb\tc\0d", "\u2028\ufeff\x7f\x85", "!unsafe x", "- #"]


class Loader(yaml.SafeLoader):
    """Knows Ansible's mark."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


@pytest.mark.parametrize("text", AWKWARD)
def test_texts_arrive_as_they_were_typed(text: str) -> None:
    assert yaml.load(as_yaml({text: [text, 1, None, True, 1.5]}), Loader) == {text: [text, 1, None, True, 1.5]}  # noqa: S506


def test_every_text_is_marked_as_data() -> None:
    assert as_yaml({"a": ["{{ x }}", {"b": "c"}]}) == '{"a": [!unsafe "{{ x }}", {"b": !unsafe "c"}]}'


@pytest.mark.parametrize("value", [float("nan"), object()])
def test_what_cannot_travel_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        as_yaml(value)  # type: ignore[arg-type]


def test_a_host_brings_its_variables_and_its_key() -> None:
    run = PlaybookRun("x", (HostAddress("hv1", "10.77.0.11"),), {}, {"hv1": {"clone_vms_machines": []}})
    text = inventory_yaml(run, SshWay(Path("/key"), Path("/known"), Path("/control")))
    host = yaml.load(text, Loader)["all"]["hosts"]["hv1"]  # noqa: S506 - a safe loader with one mark more
    assert host["ansible_host"] == "10.77.0.11"
    assert host["ansible_ssh_private_key_file"] == "/key"
    assert host["clone_vms_machines"] == []


def test_unknown_host_keys_are_never_accepted() -> None:
    arguments = " ".join(SshWay(Path("/key"), Path("/known"), Path("/control")).arguments())
    assert "StrictHostKeyChecking=yes" in arguments
    assert "UserKnownHostsFile=/known" in arguments
