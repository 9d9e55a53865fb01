"""The seed: the small disk that tells a new machine who it is (docs/seed.md)."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible.module_utils.vivero_disk import run
from ansible.module_utils.vivero_machine import Machine, Refused
from ansible.module_utils.vivero_storage import Places, draft_of

ACCOUNT = "vivero"
LARGEST_ENV = 64 * 1024
TOOL_TIMEOUT_S = 60
MADRID = 105  # sysprep's number of the time zone


def make_seed(machine: Machine, places: Places, *, macs: Sequence[str] = ()) -> bool:
    """Whether it had to be made. `macs` are those of all its cards, where it has several."""
    if machine.personalisation == "none":
        return False
    sysprep = machine.personalisation == "sysprep"
    if places.seed.exists() and (places.floppy.exists() or not sysprep):
        return False
    files = sysprep_files(machine) if sysprep else cloud_init_files(machine, macs=macs)
    with tempfile.TemporaryDirectory(dir=places.sockets_root, prefix=".seed-") as name:  # in memory, mode 0700
        folder = Path(name)
        for file_name, content in files.items():
            (folder / file_name).write_bytes(content)
        if sysprep:
            make_floppy(folder / "sysprep.inf", places.floppy)
        make_iso(folder, places.seed, label="SYSPREP" if sysprep else "cidata")
    return True


def make_iso(folder: Path, target: Path, *, label: str) -> None:
    draft = new_draft(target)
    run("genisoimage", "-quiet", "-V", label, "-J", "-R", "-o", str(draft), str(folder), timeout_s=TOOL_TIMEOUT_S)
    draft.rename(target)


def make_floppy(file: Path, target: Path) -> None:
    draft = new_draft(target)
    run("mformat", "-C", "-f", "1440", "-i", str(draft), "::", timeout_s=TOOL_TIMEOUT_S)
    run("mcopy", "-i", str(draft), str(file), "::SYSPREP.INF", timeout_s=TOOL_TIMEOUT_S)
    draft.rename(target)


def new_draft(target: Path) -> Path:
    """An empty file of mode 0600 for the tools to fill: it will hold passwords."""
    draft = draft_of(target)
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    return draft


def cloud_init_files(machine: Machine, *, macs: Sequence[str] = ()) -> dict[str, bytes]:
    parameters = json.dumps(machine.all_parameters).encode()
    names = ["first", *(f"card{number}" for number in range(2, len(macs) + 1))]
    cards = dict(zip(names, macs or [machine.mac], strict=True))
    ethernets = {name: {"match": {"macaddress": mac}, "dhcp4": True} for name, mac in cards.items()}
    network = {"version": 2, "ethernets": ethernets}
    return {
        "meta-data": as_yaml({"instance-id": str(machine.vm_id), "local-hostname": machine.name}),
        "user-data": b"#cloud-config\n" + as_yaml(user_data(machine, parameters)),
        "network-config": as_yaml(network),
        "vivero.env": vivero_env(machine),
        "parameters.json": parameters,
    }


def as_yaml(values: dict[str, Any]) -> bytes:
    """JSON is YAML too, and the host needs no library for it."""
    return json.dumps(values, indent=2).encode() + b"\n"


def user_data(machine: Machine, parameters: bytes) -> dict[str, Any]:
    password, ssh_key = (machine.all_parameters.get(name) for name in ("password", "ssh_key"))
    written = {
        "path": "/etc/vivero/parameters.json",
        "owner": "root:root",
        "permissions": "0600",
        "encoding": "b64",
        "content": base64.b64encode(parameters).decode(),
    }
    data: dict[str, Any] = {
        "hostname": machine.name,
        "fqdn": machine.name,
        "manage_etc_hosts": True,
        "keyboard": {"layout": machine.keyboard},
        "write_files": [written],
    }
    if password or ssh_key:
        data["users"] = [account(ssh_key)]
    if password:
        data["chpasswd"] = {"expire": False, "users": [{"name": ACCOUNT, "password": password, "type": "text"}]}
        data["ssh_pwauth"] = True
    return data


def account(ssh_key: object) -> dict[str, Any]:
    return {
        "name": ACCOUNT,
        "shell": "/bin/bash",
        "sudo": "ALL=(ALL) NOPASSWD:ALL",
        "lock_passwd": False,
        "ssh_authorized_keys": [ssh_key] if ssh_key else [],
    }


def vivero_env(machine: Machine) -> bytes:
    facts = {"instance_id": str(machine.vm_id), "hostname": machine.name, "keyboard": machine.keyboard}
    facts |= {f"parameter_{name}": as_text(value) for name, value in machine.all_parameters.items()}
    lines = (f"{name}={base64.b64encode(value.encode()).decode()}\n" for name, value in facts.items())
    content = "".join(lines).encode()
    if len(content) > LARGEST_ENV:
        raise Refused("the parameters are too long for a seed")
    return content


def as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | str):
        return str(value)
    raise Refused("a parameter is neither a text, a number nor yes or no")


def sysprep_files(machine: Machine) -> dict[str, bytes]:
    try:
        return {"sysprep.inf": sysprep_inf(machine).encode("cp1252")}
    except UnicodeEncodeError:
        raise Refused("Windows cannot take a character that one of the parameters has") from None


def sysprep_inf(machine: Machine) -> str:
    given = {name: as_text(value) for name, value in machine.all_parameters.items()}
    if any(set(value) & set('"\r\n') for value in given.values()):
        raise Refused("Windows cannot take a double quote or a line break in a parameter")
    sections = {
        "Unattended": {
            "OemSkipEula": "Yes",
            "InstallFilesPath": "C:\\Sysprep\\i386",
            "TargetPath": "\\Windows",
            "DriverSigningPolicy": "Ignore",
            "UpdateInstalledDrivers": "Yes",
        },
        "GuiUnattended": {
            "AdminPassword": quoted(given.get("admin_password")),
            "EncryptedAdminPassword": "No",
            "TimeZone": str(MADRID),
            "OemSkipRegional": "1",
            "OemSkipWelcome": "1",
        },
        "UserData": {
            "FullName": quoted(given.get("full_name", "Vivero")),
            "OrgName": quoted(given.get("organisation", "Hospital")),
            "ComputerName": machine.name[:15].upper(),
            "ProductKey": given.get("product_key"),
        },
        "LicenseFilePrintData": {"AutoMode": "PerServer", "AutoUsers": "5"},
        "Identification": {"JoinWorkgroup": given.get("workgroup", "HOSPITAL")},
        "Networking": {"InstallDefaultComponents": "Yes"},
    }
    lines = []
    for section, keys in sections.items():
        lines += [f"[{section}]", *(f"{key}={value}" for key, value in keys.items() if value is not None)]
    return "\r\n".join(lines) + "\r\n"


def quoted(value: str | None) -> str | None:
    return None if value is None else f'"{value}"'
