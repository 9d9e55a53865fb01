"""A machine's definition for libvirt."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ansible.module_utils.vivero_machine import Machine
from ansible.module_utils.vivero_storage import Places

NAMESPACE = "https://vivero.invalid/ns/1"
TARGETS = {"virtio": "vda", "scsi": "sda", "sata": "sda", "ide": "hda"}


@dataclass(frozen=True)
class HostWays:
    """What depends on the host: `kvm` or `qemu`, and how disks are opened."""

    accelerator: str
    cache: str


def domain_xml(machine: Machine, places: Places, ways: HostWays, *, first_boot: bool = False) -> str:
    """For its first boot a Windows machine has a floppy drive too: sysprep looks there for its answers."""
    domain = Element("domain", type=ways.accelerator)
    text(domain, "name", machine.name)
    text(domain, "uuid", str(machine.vm_id))
    if machine.hardware.knows_virtio:
        SubElement(domain, "genid")
    metadata = SubElement(domain, "metadata")
    SubElement(metadata, "vivero:vm", {"xmlns:vivero": NAMESPACE, "owner": machine.owner})
    text(domain, "memory", str(machine.memory_mib), unit="MiB")
    # Only seats of classes, copies of one image, may share equal pages: by them neighbours can be guessed at.
    SubElement(SubElement(domain, "memoryBacking"), "nosharepages")
    text(domain, "vcpu", str(machine.vcpus))
    add_system(domain, machine, places)
    add_events(domain)
    devices = SubElement(domain, "devices")
    add_disks(devices, machine, places, ways)
    if first_boot and machine.personalisation == "sysprep":
        add_read_only(devices, "floppy", str(places.floppy), target="fda", bus="fdc")
    add_network(devices, machine)
    add_consoles(devices, machine, places)
    add_extras(devices, machine)
    indent(domain)
    return tostring(domain, encoding="unicode")


def text(parent: Element, tag: str, content: str, **attributes: str) -> Element:
    element = SubElement(parent, tag, attributes)
    element.text = content
    return element


def add_system(domain: Element, machine: Machine, places: Places) -> None:
    hardware = machine.hardware
    os = SubElement(domain, "os", {"firmware": "efi"} if hardware.firmware == "uefi" else {})
    text(os, "type", "hvm", arch="x86_64", machine=hardware.machine)
    if hardware.firmware == "uefi":
        text(os, "nvram", str(places.nvram))
    SubElement(os, "boot", dev="hd")
    SubElement(os, "bootmenu", enable="no")
    features = SubElement(domain, "features")
    for feature in ("acpi", "apic", "pae"):
        SubElement(features, feature)
    cpu = SubElement(domain, "cpu", mode="custom", match="exact", check="none")
    text(cpu, "model", hardware.cpu_model, fallback="forbid")
    SubElement(domain, "clock", offset=hardware.clock)


def add_events(domain: Element) -> None:
    text(domain, "on_poweroff", "destroy")
    text(domain, "on_reboot", "restart")
    text(domain, "on_crash", "destroy")


def add_disks(devices: Element, machine: Machine, places: Places, ways: HostWays) -> None:
    bus = machine.hardware.disk_bus
    if bus == "scsi":
        SubElement(devices, "controller", type="scsi", index="0", model="virtio-scsi")
    disk = SubElement(devices, "disk", type="file", device="disk")
    SubElement(disk, "driver", name="qemu", type="qcow2", cache=ways.cache, discard="unmap")
    SubElement(disk, "source", file=str(places.disk))
    SubElement(disk, "target", dev=TARGETS[bus], bus=bus)
    if machine.personalisation == "none":
        return
    cd_bus, cd_target = ("ide", "hdc") if machine.hardware.machine == "pc" else ("sata", "sdc")
    add_read_only(devices, "cdrom", str(places.seed), target=cd_target, bus=cd_bus)


def add_read_only(devices: Element, device: str, file: str, *, target: str, bus: str) -> None:
    disk = SubElement(devices, "disk", type="file", device=device)
    SubElement(disk, "driver", name="qemu", type="raw")
    SubElement(disk, "source", file=file)
    SubElement(disk, "target", dev=target, bus=bus)
    SubElement(disk, "readonly")


def add_network(devices: Element, machine: Machine) -> None:
    interface = SubElement(devices, "interface", type="network")
    SubElement(interface, "mac", address=machine.mac)
    SubElement(interface, "source", network=f"vivero-{machine.network}")
    SubElement(interface, "model", type=machine.hardware.nic_model)
    SubElement(interface, "rom", enabled="no")  # nobody boots from the network: saves a second of each boot
    if machine.network == "quarantine":
        SubElement(interface, "port", isolated="yes")


def add_consoles(devices: Element, machine: Machine, places: Places) -> None:
    """Unix sockets only: whoever wants to see a console comes through SSH."""
    serial = SubElement(devices, "serial", type="unix")
    SubElement(serial, "source", mode="bind", path=str(places.sockets / "serial.sock"))
    SubElement(serial, "log", file=str(places.serial_log), append="on")
    SubElement(SubElement(serial, "target", type="isa-serial", port="0"), "model", name="isa-serial")
    graphics = SubElement(devices, "graphics", type="vnc", keymap=machine.keyboard)
    SubElement(graphics, "listen", type="socket", socket=str(places.sockets / "vnc.sock"))
    SubElement(SubElement(devices, "video"), "model", type=machine.hardware.video)
    SubElement(devices, "input", type="tablet", bus="usb")


def add_extras(devices: Element, machine: Machine) -> None:
    if not machine.hardware.knows_virtio:
        SubElement(devices, "memballoon", model="none")
        return
    channel = SubElement(devices, "channel", type="unix")
    SubElement(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
    rng = SubElement(devices, "rng", model="virtio")
    text(rng, "backend", "/dev/urandom", model="random")
    SubElement(devices, "memballoon", model="virtio")
