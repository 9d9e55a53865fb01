"""What a VM template offers, as values: the rest of the portal reads these and never a YAML file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from portal.core.plain_data import from_plain, to_plain

SPEC_FORMAT = 1


class Personalisation(StrEnum):
    CLOUD_INIT = "cloud-init"
    SYSPREP = "sysprep"
    NONE = "none"


class ReadyBy(StrEnum):
    """What proves that a machine serves: "running" is never enough."""

    AGENT = "agent"
    TCP = "tcp"
    SERIAL = "serial"


class NetworkClass(StrEnum):
    DEPARTMENT = "department"
    ISOLATED = "isolated"
    QUARANTINE = "quarantine"


class CloneKind(StrEnum):
    LINKED = "linked"
    FULL = "full"


class ParameterKind(StrEnum):
    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    YES_NO = "yes_no"
    SECRET = "secret"  # noqa: S105 - a kind of field, not a secret


@dataclass(frozen=True)
class Words:
    """One text in both languages of the portal."""

    es: str
    en: str

    def __str__(self) -> str:
        return self.en

    def read(self, locale: str) -> str:
        return self.es if locale.startswith("es") else self.en


@dataclass(frozen=True)
class TaskWords:
    """What the template is for, in the words people search with."""

    es: tuple[str, ...] = ()
    en: tuple[str, ...] = ()

    def read(self, locale: str) -> tuple[str, ...]:
        return self.es if locale.startswith("es") else self.en


@dataclass(frozen=True)
class Range:
    """A quantity with the limits that an administrator may move it between."""

    default: int
    minimum: int
    maximum: int

    def contains(self, value: int) -> bool:
        return self.minimum <= value <= self.maximum


@dataclass(frozen=True)
class Size:
    slug: str
    label: Words
    vcpus: Range
    memory_mib: Range
    disk_gib: Range


@dataclass(frozen=True)
class Quantities:
    """What an approver gives one machine instead of its size's defaults; None leaves it."""

    vcpus: int | None = None
    memory_mib: int | None = None
    disk_gib: int | None = None


AS_THE_SIZE_SAYS = Quantities()


@dataclass(frozen=True)
class Choice:
    value: str
    label: Words


@dataclass(frozen=True)
class Parameter:
    """One form field. A secret's value is stored apart and never shown again."""

    name: str
    kind: ParameterKind
    label: Words
    help: Words | None = None
    required: bool = True
    default: str | int | bool | None = None
    pattern: str | None = None
    pattern_help: Words | None = None  # what the pattern asks for
    min_length: int = 0
    max_length: int = 100
    choices: tuple[Choice, ...] = ()
    minimum: int | None = None
    maximum: int | None = None

    @property
    def is_secret(self) -> bool:
        return self.kind is ParameterKind.SECRET


@dataclass(frozen=True)
class OperatingSystem:
    name: str
    support_ends: date

    def is_supported(self, on: date) -> bool:
        return on <= self.support_ends


@dataclass(frozen=True)
class HardwareProfile:
    """The same fields and values as interfaces.Hardware, which says what they mean."""

    machine: str = "pc"
    firmware: str = "bios"
    disk_bus: str = "virtio"
    nic_model: str = "virtio"
    clock: str = "utc"
    video: str = "vga"
    cpu_model: str = "qemu64"


@dataclass(frozen=True)
class Ready:
    by: ReadyBy
    timeout_s: int
    port: int | None = None
    pattern: str | None = None


@dataclass(frozen=True)
class Build:
    """The disk is made by an Ansible role of ours. Variables hold no secrets: they are kept with the version."""

    role: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Brought:
    """The disk comes from the hospital; without its SHA-256 nobody can say that it is the right one."""

    sha256: str | None


@dataclass(frozen=True)
class TemplateSpec:
    """A checked `template.yml`. `may_order` is None when every department may."""

    slug: str
    name: Words
    description: Words
    category: str
    owner: str
    may_order: tuple[str, ...] | None
    tasks: TaskWords
    picture: str
    system: OperatingSystem
    hardware: HardwareProfile
    sizes: tuple[Size, ...]
    parameters: tuple[Parameter, ...]
    personalisation: Personalisation
    ready: Ready
    network: NetworkClass
    clone: CloneKind
    licence_seats: int | None = None
    build: Build | None = None
    brought: Brought | None = None
    category_name: Words | None = None  # of a category that is the hospital's own

    def size(self, slug: str) -> Size | None:
        return next((size for size in self.sizes if size.slug == slug), None)

    def may_be_ordered_by(self, department: str) -> bool:
        return self.may_order is None or department == self.owner or department in self.may_order


@dataclass(frozen=True)
class TemplateError:
    """One thing wrong in a template's folder, with the place where to put it right."""

    file: str
    line: int | None
    field: str
    message: str  # a msgid, filled by `params`
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # `field` is a name of ours here

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        text = self.message % self.params if self.params else self.message
        return f"{place}: {self.field}: {text}" if self.field else f"{place}: {text}"


@dataclass(frozen=True)
class BrokenTemplate:
    """A folder that cannot be offered. It is shown to administrators and stops nothing."""

    slug: str
    errors: tuple[TemplateError, ...]


@dataclass(frozen=True)
class BuiltVersion:
    """One finished disk in the cabinet. `disk` lies below the storage directory; `digest`: what it was made of.

    `overrides` are the variables that were given with the command instead of those in `spec`.
    """

    slug: str
    version: int
    disk: str
    sha256: str
    size_bytes: int
    built_at: datetime
    digest: str
    spec: Mapping[str, Any]
    overrides: Mapping[str, Any] = field(default_factory=dict)


def spec_to_data(spec: TemplateSpec) -> dict[str, Any]:
    """Plain JSON, as kept in the database beside each version."""
    return {"format": SPEC_FORMAT, **to_plain(spec)}


def spec_from_data(data: Mapping[str, Any]) -> TemplateSpec:
    return from_plain(TemplateSpec, {key: value for key, value in data.items() if key != "format"})
