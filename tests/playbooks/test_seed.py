"""What a new machine is told about itself (docs/seed.md)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml
from ansible.module_utils.vivero_machine import Machine, Refused, read_machine
from ansible.module_utils.vivero_seed import cloud_init_files, sysprep_files


def env_of(machine: Machine) -> dict[str, str]:
    lines = cloud_init_files(machine)["vivero.env"].decode("ascii").splitlines()
    pairs = (line.split("=", 1) for line in lines)
    return {name: base64.b64decode(value).decode() for name, value in pairs}


def user_data_of(machine: Machine) -> dict[str, Any]:
    text = cloud_init_files(machine)["user-data"].decode()
    assert text.startswith("#cloud-config\n")
    data: dict[str, Any] = yaml.safe_load(text)
    return data


def test_vivero_env_says_who_the_machine_is(order: dict[str, Any]) -> None:
    order["parameters"] = {"title": "Ñandú = 1\n2", "seats": 30, "public": True}
    assert env_of(read_machine(order, {})) == {
        "instance_id": order["vm_id"],
        "hostname": "wiki-farmacia",
        "keyboard": "es",
        "parameter_title": "Ñandú = 1\n2",
        "parameter_seats": "30",
        "parameter_public": "true",
    }


def test_parameters_json_holds_secrets_too_and_is_what_user_data_writes(order: dict[str, Any]) -> None:
    machine = read_machine(order, {"admin_password": "geheim"})
    content = user_data_of(machine)["write_files"][0]["content"]
    assert base64.b64decode(content) == cloud_init_files(machine)["parameters.json"]
    assert json.loads(base64.b64decode(content)) == {"title": "La wiki de Farmacia", "admin_password": "geheim"}


def test_without_password_or_key_there_is_no_account(order: dict[str, Any]) -> None:
    assert {"users", "chpasswd", "ssh_pwauth"}.isdisjoint(user_data_of(read_machine(order, {})))


def test_a_password_makes_the_account_and_opens_ssh(order: dict[str, Any]) -> None:
    data = user_data_of(read_machine(order, {"password": 'a"b: {c}'}))
    assert data["chpasswd"]["users"] == [{"name": "vivero", "password": 'a"b: {c}', "type": "text"}]
    assert data["ssh_pwauth"] is True


def test_too_long_parameters_are_refused(order: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="too long"):
        cloud_init_files(read_machine({**order, "parameters": {"title": "x" * 60_000}}, {}))


def test_sysprep_is_written_as_windows_reads_it(old_windows: dict[str, Any]) -> None:
    content = sysprep_files(read_machine(old_windows, {"admin_password": "señor"}))["sysprep.inf"]
    text = content.decode("cp1252")
    assert "\r\n" in text
    assert "\n" not in text.replace("\r\n", "")
    assert 'OrgName="Hospital de Málaga"\r\n' in text
    assert 'AdminPassword="señor"\r\n' in text
    assert "ComputerName=WIKI-FARMACIA\r\n" in text
    assert "ProductKey" not in text


@pytest.mark.parametrize("bad", ['a"b', "a\r\n[Unattended]", "漢"])
def test_sysprep_refuses_what_windows_cannot_take(old_windows: dict[str, Any], bad: str) -> None:
    with pytest.raises(Refused):
        sysprep_files(read_machine(old_windows, {"admin_password": bad}))
