"""What every seat of a class is made of: the lab's machines with their templates, disks, addresses and doors."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from portal.core.labs import CheckBy, LabMachine, LabSpec
from portal.core.naming import seat_id_for, seat_label, seat_mac, seat_machine_id_for, seat_machine_name
from portal.core.parameters import check_parameters
from portal.core.plain_data import to_plain
from portal.core.templates import Personalisation, ReadyBy
from portal.interfaces import Hardware, SeatCard, SeatDoor, SeatMachineOrder, SeatNetwork, SeatOrder
from portal.models import Host, LabVersion, SeatMachine, TemplateVersion
from portal.services.lab_machines import SeatPart, machines_of, part_as_made
from portal.services.lab_specs import spec_of

IMAGES = UUID("9f1c7c5e-3a0e-4d39-8a51-6f2f5f0d9b11")  # the namespace of the seats that images are made of
KEYBOARD = "es"
IMAGE_FORMAT = 1  # another number makes all images anew


@dataclass(frozen=True)
class SeatDesign:
    """`parts` are the lab's machines in their order, each with its template and disk."""

    spec: LabSpec
    parts: tuple[SeatPart, ...]

    @property
    def can_be_warm(self) -> bool:
        """Windows does not like to wake up as thirty copies of itself; such seats are booted."""
        return all(part.spec.personalisation != Personalisation.SYSPREP for part in self.parts)

    @property
    def boot_within_s(self) -> int:
        return max(part.spec.ready.timeout_s for part in self.parts)


def design_of(db: Session, version: LabVersion) -> SeatDesign:
    """Raises Conflict when one of its templates has no disk (any more)."""
    spec = spec_of(version)
    return SeatDesign(spec, tuple(machines_of(db, spec)))


def design_as_made(db: Session, version: LabVersion, machines: Iterable[SeatMachine]) -> SeatDesign:
    """Of a seat that is there, to boot it again; how large its machines are, their rows say."""
    spec, disks = spec_of(version), {one.name: one.template_version_id for one in machines}
    parts = (part_as_made(db, one, db.get_one(TemplateVersion, disks[one.name])) for one in spec.machines)
    return SeatDesign(spec, tuple(parts))


def order_of(
    design: SeatDesign, *, owner_id: UUID, number: int, image: str | None = None, fresh: bool = False
) -> SeatOrder:
    """The seat `number` of a class (`owner_id`), or of an image, whose one seat has the number 0."""
    seat_id = seat_id_for(owner_id, number)
    return SeatOrder(
        seat_id=seat_id,
        label=seat_label(owner_id, number),
        networks=tuple(SeatNetwork(net.name, net.cidr, net.gateway) for net in design.spec.networks),
        machines=tuple(
            machine_order(design, part, position, seat_id, seat_machine_name(owner_id, number, part.machine.name))
            for position, part in enumerate(design.parts)
        ),
        doors=doors_of(design),
        image=image,
        fresh=fresh,
    )


def machine_order(design: SeatDesign, part: SeatPart, position: int, seat_id: UUID, name: str) -> SeatMachineOrder:
    return SeatMachineOrder(
        vm_id=seat_machine_id_for(seat_id, part.machine.name),
        name=name,
        host_name=part.machine.name,
        template_disk=part.version.disk,
        vcpus=part.size.vcpus.default,
        memory_mib=part.size.memory_mib.default,
        disk_gib=part.size.disk_gib.default,
        hardware=Hardware(**to_plain(part.spec.hardware)),
        cards=cards_of(design, part.machine, position),
        personalisation=part.spec.personalisation.value,
        parameters=parameters_of(part),
        keyboard=KEYBOARD,
    )


def parameters_of(part: SeatPart) -> dict[str, str | int | bool]:
    """The lab's own values and the template's defaults. Passwords are the class's: they stand in the guide."""
    checked = check_parameters(part.spec.parameters, part.machine.parameters)
    return {**checked.values, **checked.secrets}


def cards_of(design: SeatDesign, machine: LabMachine, position: int) -> tuple[SeatCard, ...]:
    networks = [network.name for network in design.spec.networks]
    return tuple(
        SeatCard(at.network, seat_mac(position, networks.index(at.network)), at.address) for at in machine.addresses
    )


def door_name(machine: str, port: int) -> str:
    """What hosts call the way to a port; students' doors have names of their own, which lead to these."""
    return f"{machine}-{port}"


def doors_of(design: SeatDesign) -> tuple[SeatDoor, ...]:
    """Ways to all ports that the lab opens, probes, or waits for."""
    spec = design.spec
    wanted = [(door.machine, door.port) for door in spec.doors]
    checks = [check for step in spec.steps for check in step.checks]
    wanted += [(check.machine, check.port) for check in checks if check.by in (CheckBy.TCP, CheckBy.HTTP)]
    wanted += [(part.machine.name, port) for part in design.parts if (port := ready_port(part))]
    doors = []
    for name, port in sorted(set(wanted)):
        machine = spec.machine(name)
        if machine is not None:
            at = machine.addresses[0]
            doors.append(SeatDoor(door_name(name, port), at.network, at.address, port))
    return tuple(doors)


def ready_port(part: SeatPart) -> int | None:
    ready = part.spec.ready
    return (ready.port or 22) if ready.by == ReadyBy.TCP else None


def image_key(design: SeatDesign, host: Host) -> str:
    """Of all that is in the memory of a saved seat: machines, disks, and the processor they ran on."""
    order = order_of(design, owner_id=IMAGES, number=0)
    content = {
        "format": IMAGE_FORMAT,
        "machines": [{**asdict(machine), "vm_id": "", "name": ""} for machine in order.machines],
        "disks": [part.version.sha256 for part in design.parts],
        "networks": [asdict(network) for network in order.networks],
        "host": [host.accelerator, host.cpu_model, host.hypervisor_version],
    }
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:32]


def image_owner(key: str) -> UUID:
    """Stands where a class's id stands for its seats."""
    return uuid5(IMAGES, key)
