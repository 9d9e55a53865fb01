"""Definitions of seats' machines: a new one to boot, and that of a saved machine turned into another seat's."""

from __future__ import annotations

import re
from uuid import UUID
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, register_namespace, tostring

from ansible.module_utils.vivero_domain import (
    HostWays,
    add_consoles,
    add_disks,
    add_extras,
    add_system,
    text,
)
from ansible.module_utils.vivero_machine import Refused
from ansible.module_utils.vivero_seat import SEAT_NAMESPACE, Seat, SeatMachine
from ansible.module_utils.vivero_seat_places import SeatMachinePlaces

AGENT = "org.qemu.guest_agent.0"
MARK = f"{{{SEAT_NAMESPACE}}}seat"
BETWEEN_TAGS = re.compile(r">\s+<")

register_namespace("vivero-seat", SEAT_NAMESPACE)


def seat_domain_xml(seat: Seat, machine: SeatMachine, places: SeatMachinePlaces, ways: HostWays) -> str:
    """Never kept by libvirt: after a restart of the host nothing of a class is left there."""
    guest = machine.guest
    domain = Element("domain", type=ways.accelerator)
    text(domain, "name", machine.name)
    text(domain, "uuid", str(machine.vm_id))
    if guest.hardware.knows_virtio:
        SubElement(domain, "genid")
    SubElement(SubElement(domain, "metadata"), MARK, mark_of(seat, machine))
    text(domain, "memory", str(guest.memory_mib), unit="MiB")
    text(domain, "vcpu", str(guest.vcpus))
    add_system(domain, guest, places)
    text(domain, "on_poweroff", "destroy")
    text(domain, "on_reboot", "restart")
    text(domain, "on_crash", "destroy")
    devices = SubElement(domain, "devices")
    add_disks(devices, guest, places, ways)
    for card in machine.cards:
        interface = SubElement(devices, "interface", type="bridge")
        SubElement(interface, "mac", address=card.mac)
        SubElement(interface, "source", bridge=seat.bridge(card.network))
        SubElement(interface, "model", type=guest.hardware.nic_model)
        SubElement(interface, "rom", enabled="no")
    add_consoles(devices, guest, places)
    add_extras(devices, guest)
    return tostring(domain, encoding="unicode")


def mark_of(seat: Seat, machine: SeatMachine) -> dict[str, str]:
    return {"id": str(seat.seat_id), "machine": machine.host_name}


def read_mark(xml: str) -> tuple[UUID, str] | None:
    """The seat's id and the machine's name in it; None for what is not one of our marks."""
    try:
        mark = fromstring(xml)  # noqa: S314 - libvirt wrote it
        return UUID(mark.get("id")), mark.get("machine") or ""
    except (ParseError, ValueError, TypeError):
        return None


def turned_into(xml: str, seat: Seat, machine: SeatMachine, places: SeatMachinePlaces) -> str:
    """What a saved machine was, now with another seat's identity: names, files, sockets and bridges.

    Hardware, cards' addresses and places on the buses stay: the memory knows them.
    """
    domain = fromstring(xml)  # noqa: S314 - libvirt wrote it
    check_same_hardware(domain, machine)
    found(domain, "name").text = machine.name
    found(domain, "uuid").text = str(machine.vm_id)
    mark = found(domain, f"metadata/{MARK}")
    mark.attrib.update(mark_of(seat, machine))
    for disk in domain.findall("devices/disk"):
        if (source := disk.find("source")) is not None:
            source.set("file", str(places.disk if disk.get("device") == "disk" else places.seed))
    bridges = {card.mac: seat.bridge(card.network) for card in machine.cards}
    for card in domain.findall("devices/interface"):
        found(card, "source").set("bridge", bridges[mac_of(card)])
    turn_consoles(domain, places)
    return BETWEEN_TAGS.sub("><", tostring(domain, encoding="unicode"))


def turn_consoles(domain: Element, places: SeatMachinePlaces) -> None:
    for console in (*domain.findall("devices/serial"), *domain.findall("devices/console")):
        found(console, "source").set("path", str(places.sockets / "serial.sock"))
        if (log := console.find("log")) is not None:
            log.set("file", str(places.serial_log))
    socket = str(places.sockets / "vnc.sock")
    for screen in domain.findall("devices/graphics"):
        for place in (screen, *screen.findall("listen")):
            if place.get("socket") is not None:
                place.set("socket", socket)
    for channel in domain.findall("devices/channel"):
        if (source := channel.find("source")) is not None:  # libvirt's own place for it, by the machine's name
            channel.remove(source)


def check_same_hardware(domain: Element, machine: SeatMachine) -> None:
    guest = machine.guest
    memory_kib = int(found(domain, "memory").text or 0)
    same = (
        memory_kib == guest.memory_mib * 1024
        and found(domain, "vcpu").text == str(guest.vcpus)
        and found(domain, "cpu/model").text == guest.hardware.cpu_model
        and sorted(map(mac_of, domain.findall("devices/interface"))) == sorted(card.mac for card in machine.cards)
    )
    if not same:
        raise Refused(f"the saved {machine.host_name} has other hardware than the one that was ordered")


def mac_of(interface: Element) -> str:
    return str(found(interface, "mac").get("address"))


def found(element: Element, path: str) -> Element:
    child = element.find(path)
    if child is None:
        raise Refused("the saved machine's definition is not one of ours")
    return child
