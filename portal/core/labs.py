"""What a lab teaches and needs, as values: the rest of the portal reads these and never a file of `labs/`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Any

from portal.core.plain_data import from_plain, to_plain
from portal.core.templates import TemplateError, Words

SPEC_FORMAT = 1


class Level(StrEnum):
    BEGINNER = "beginner"
    INTERMEDIATE = "intermediate"
    ADVANCED = "advanced"


class CheckBy(StrEnum):
    """How a step is checked. `TEACHER`: a person looks, so that guests without any agent have a way too."""

    AGENT = "agent"  # a script inside the guest
    TCP = "tcp"  # from inside the seat's network
    HTTP = "http"  # the same, one GET
    SERIAL = "serial"  # a line on the serial console
    TEACHER = "teacher"


@dataclass(frozen=True)
class LabNetwork:
    """Isolated, and the same addresses in every seat. Its last address is the seat's own (DHCP, names, doors)."""

    name: str
    cidr: str

    @property
    def gateway(self) -> str:
        return str(IPv4Network(self.cidr)[-2])


@dataclass(frozen=True)
class LabAddress:
    network: str
    address: str


@dataclass(frozen=True)
class LabMachine:
    """One machine of each seat. `name` is also what the guest calls itself."""

    name: str
    label: Words
    template: str
    size: str
    addresses: tuple[LabAddress, ...]
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class LabDoor:
    """A web page of a machine that the student's browser may open; `path` is where it begins."""

    name: str
    label: Words
    machine: str
    port: int
    path: str = "/"


@dataclass(frozen=True)
class Check:
    """One look at one machine. What it does not find it says with `message`, to the student.

    `script` is the text of a file in `checks/`, run by /bin/sh in the guest: exit code 0 passes, and its last line, if
    it prints one, goes to the student. `pattern` is searched in the page (http) or the console's text (serial).
    """

    by: CheckBy
    message: Words
    machine: str = ""
    script: str = dataclasses.field(default="", repr=False)
    port: int = 0
    path: str = "/"
    status: int = 200
    pattern: str = ""
    timeout_s: int = 10
    tries: int = 2


@dataclass(frozen=True)
class Solution:
    """What brings a machine past a step, as a script for /bin/sh inside it."""

    machine: str
    script: str = dataclasses.field(repr=False)


@dataclass(frozen=True)
class LabStep:
    slug: str
    title: Words
    checks: tuple[Check, ...]
    solutions: tuple[Solution, ...] = ()


@dataclass(frozen=True)
class LabSpec:
    """A checked `lab.yml` with its guides and scripts: all that a class needs, so that a version never changes.

    `offered_to` is None when every department may teach it.
    """

    slug: str
    title: Words
    summary: Words
    subject: str
    level: Level
    minutes: int
    owner: str
    offered_to: tuple[str, ...] | None
    networks: tuple[LabNetwork, ...]
    machines: tuple[LabMachine, ...]
    doors: tuple[LabDoor, ...]
    steps: tuple[LabStep, ...]
    guide: Words  # Markdown; portal/core/guides.py says how steps, hints and actions stand in it

    def machine(self, name: str) -> LabMachine | None:
        return next((machine for machine in self.machines if machine.name == name), None)

    def step(self, slug: str) -> LabStep | None:
        return next((step for step in self.steps if step.slug == slug), None)

    def door(self, name: str) -> LabDoor | None:
        return next((door for door in self.doors if door.name == name), None)

    def may_be_taught_by(self, department: str) -> bool:
        return self.offered_to is None or department == self.owner or department in self.offered_to


@dataclass(frozen=True)
class BrokenLab:
    """A folder that cannot be offered. It is shown to administrators and stops nothing."""

    slug: str
    errors: tuple[TemplateError, ...]


def lab_to_data(spec: LabSpec) -> dict[str, Any]:
    """Plain JSON, as kept in the database with each version."""
    return {"format": SPEC_FORMAT, **to_plain(spec)}


def lab_from_data(data: Mapping[str, Any]) -> LabSpec:
    return from_plain(LabSpec, {key: value for key, value in data.items() if key != "format"})
