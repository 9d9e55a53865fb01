"""The files that one run of ansible-playbook reads: inventory and variables, as YAML that Ansible does not evaluate."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from portal.interfaces import HostAddress, Json, PlaybookRun

CONTROL_PERSIST_S = 60
CONNECT_TIMEOUT_S = 10


@dataclass(frozen=True)
class SshWay:
    """One key, strict host keys, and one kept connection a host that later runs use again."""

    key: Path
    known_hosts: Path
    control_dir: Path

    def arguments(self) -> list[str]:
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self.known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
            "IdentitiesOnly": "yes",
            "PreferredAuthentications": "publickey",
            "ConnectTimeout": str(CONNECT_TIMEOUT_S),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "ControlMaster": "auto",
            "ControlPersist": f"{CONTROL_PERSIST_S}s",
        }
        return ["-F", "/dev/null", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]

    @property
    def control_path(self) -> str:
        return f"{self.control_dir}/%%C"  # Ansible fills in names of its own before ssh does


def write_private(path: Path, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)


def inventory_yaml(run: PlaybookRun, ssh: SshWay) -> str:
    hosts = {host.name: {**connection(host, ssh), **run.host_variables.get(host.name, {})} for host in run.hosts}
    return document({"all": {"hosts": hosts}})


def connection(host: HostAddress, ssh: SshWay) -> dict[str, Json]:
    return {
        "ansible_host": host.address,
        "ansible_port": host.port,
        "ansible_user": host.user,
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_private_key_file": str(ssh.key),
    }


def variables_yaml(run: PlaybookRun) -> str:
    return document({**run.variables, **run.secrets})


def document(values: Mapping[str, Json]) -> str:
    """One line of YAML, marked `!unsafe` as a whole, so that Ansible takes every text in it as it is.

    People's input is data: `{{ ... }}` in a name or a password must reach the machine as it was typed, and must
    never be evaluated here as a Jinja expression. The mark stands on the whole and not on each text, because
    Ansible 2.19 guesses the type of a marked scalar anew, quotes or not: "52:54:00:51:23:48" became a number.
    """
    return f"!unsafe {as_yaml(values)}\n"


def as_yaml(value: Json) -> str:
    """YAML (and nearly JSON) in one line; texts are always quoted."""
    if isinstance(value, str):
        return quoted(value)
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number that is not finite cannot travel")
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(str(key))}: {as_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(as_yaml(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} cannot travel to a playbook")


def quoted(text: str) -> str:
    """A double-quoted YAML scalar: what is not plainly printable is escaped by number."""
    return '"' + "".join(character(c) for c in text) + '"'


def character(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    return c if c.isprintable() and ord(c) < 0xFFFE else f"\\U{ord(c):08x}"
