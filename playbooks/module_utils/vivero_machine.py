"""One machine as the portal orders it, checked again on the host: nothing that comes here is taken on trust."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
CPU_MODEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,30}")
KEYBOARD = re.compile(r"[a-z]{2}(?:-[a-z]{2})?")
TEMPLATE_DISK = re.compile(r"templates/[a-z0-9][a-z0-9-]{0,62}/v[0-9]{1,9}\.qcow2")
CHOICES = {
    "machine": {"pc", "q35"},
    "firmware": {"bios", "uefi"},
    "disk_bus": {"virtio", "scsi", "sata", "ide"},
    "nic_model": {"virtio", "e1000", "rtl8139"},
    "clock": {"utc", "localtime"},
    "video": {"vga", "virtio", "cirrus", "qxl"},
}
NETWORKS = {"department", "isolated", "quarantine"}
PERSONALISATIONS = {"cloud-init", "sysprep", "none"}
LARGEST = {"vcpus": 256, "memory_mib": 4 * 1024 * 1024, "disk_gib": 64 * 1024}


class Refused(Exception):
    """Why a machine is not made; the text reaches people."""


@dataclass(frozen=True)
class Hardware:
    machine: str
    firmware: str
    disk_bus: str
    nic_model: str
    clock: str
    video: str
    cpu_model: str

    @property
    def knows_virtio(self) -> bool:
        """Old systems stumble over devices that they have no driver for."""
        return "virtio" in (self.disk_bus, self.nic_model) or self.disk_bus == "scsi"


@dataclass(frozen=True)
class Machine:
    """The same fields as the portal's MachineOrder; `secrets` came another way and never shows in a repr."""

    vm_id: UUID
    name: str
    owner: str
    template_disk: str
    linked: bool
    vcpus: int
    memory_mib: int
    disk_gib: int
    hardware: Hardware
    network: str
    mac: str
    address: str | None
    personalisation: str
    keyboard: str
    copied: bool
    parameters: dict[str, Any] = field(repr=False)
    secrets: dict[str, Any] = field(repr=False)

    @property
    def all_parameters(self) -> dict[str, Any]:
        return {**self.parameters, **self.secrets}


def read_vm_id(value: object) -> UUID:
    """Only the canonical form: the text becomes a folder's name."""
    text = str(value)
    try:
        vm_id = UUID(text)
    except ValueError:
        vm_id = None
    if vm_id is None or str(vm_id) != text:
        raise Refused(f"{text[:80]!r} is not a machine's id")
    return vm_id


def read_machine(order: dict[str, Any], secrets: dict[str, Any]) -> Machine:
    """Raise Refused and say which field is wrong."""
    parameters = dict(order.get("parameters") or {})
    for name in (*parameters, *secrets):
        matching(PARAMETER, name, "parameter's name")
    return Machine(
        vm_id=read_vm_id(order.get("vm_id")),
        name=matching(NAME, order.get("name"), "name"),
        owner=read_owner(order.get("owner")),
        template_disk=matching(TEMPLATE_DISK, order.get("template_disk"), "template_disk"),
        linked=bool(order.get("linked")),
        vcpus=read_size(order, "vcpus"),
        memory_mib=read_size(order, "memory_mib"),
        disk_gib=read_size(order, "disk_gib"),
        hardware=read_hardware(order.get("hardware") or {}),
        network=one_of(NETWORKS, order.get("network"), "network"),
        mac=matching(MAC, str(order.get("mac")).lower(), "mac"),
        address=read_address(order.get("address")),
        personalisation=one_of(PERSONALISATIONS, order.get("personalisation"), "personalisation"),
        keyboard=matching(KEYBOARD, order.get("keyboard") or "es", "keyboard"),
        copied=bool(order.get("copied")),
        parameters=parameters,
        secrets=dict(secrets),
    )


def read_hardware(values: dict[str, Any]) -> Hardware:
    chosen = {name: one_of(choices, values.get(name), name) for name, choices in CHOICES.items()}
    return Hardware(cpu_model=matching(CPU_MODEL, values.get("cpu_model"), "cpu_model"), **chosen)


def read_owner(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > 200:
        raise Refused("owner is not a printable text")
    return value


def read_size(order: dict[str, Any], name: str) -> int:
    value = order.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST[name]:
        raise Refused(f"{name} is not a number from 1 to {LARGEST[name]}")
    return value


def read_address(value: object) -> str | None:
    if value in (None, ""):
        return None
    try:
        return str(IPv4Address(value))
    except ValueError:
        raise Refused("address is not an IPv4 address") from None


def matching(pattern: re.Pattern[str], value: object, what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Refused(f"{what} has a value that is not allowed")
    return value


def one_of(choices: set[str], value: object, what: str) -> str:
    if not isinstance(value, str) or value not in choices:
        raise Refused(f"{what} must be one of {', '.join(sorted(choices))}")
    return value
