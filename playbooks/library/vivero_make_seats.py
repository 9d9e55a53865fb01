#!/usr/bin/python3
"""Ansible module: make all seats of one host in one call: files and networks, then the machines, then they run."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libvirt
import libvirt_qemu
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.vivero_disk import cache_mode, make_disk
from ansible.module_utils.vivero_domain import HostWays
from ansible.module_utils.vivero_host import read_accelerator
from ansible.module_utils.vivero_machine import Refused
from ansible.module_utils.vivero_saved_memory import poured, read_saved
from ansible.module_utils.vivero_seat import Seat, SeatMachine, read_seat, read_seat_id
from ansible.module_utils.vivero_seat_domain import seat_domain_xml, turned_into
from ansible.module_utils.vivero_seat_machines import find, remove_machine
from ansible.module_utils.vivero_seat_network import make_network
from ansible.module_utils.vivero_seat_places import ImagePlaces, SeatMachinePlaces, SeatPlaces
from ansible.module_utils.vivero_seat_work import SeatWork, answer, guarded, in_threads
from ansible.module_utils.vivero_seed import make_seed
from ansible.module_utils.vivero_storage import make_folder, token_of

DOCUMENTATION = """
module: vivero_make_seats
short_description: Makes students' seats, by booting their machines or by restoring them from memory
description:
  - Every seat has its own outcome in C(machines), by the seat's id; one that fails does not stop the others.
  - Running it again finishes what an interrupted run began and leaves the rest alone.
  - Its undo is M(vivero_remove_seats).
options:
  seats: {description: the orders, type: list, elements: dict, required: true}
  fencing: {description: fencing numbers by seat, type: dict, default: {}}
  storage_dir: {description: the shared storage, type: path, required: true}
  boots_per_core: {description: machines that boot at the same time on each core, type: int, default: 2}
"""

BOOT_PATIENCE_S = 20.0  # then the next one boots, whether this one answers or not
AGENT_S = 2
CLOCK_PATIENCE_S = 10.0
RUNNING = {libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_BLOCKED}


@dataclass
class Making:
    """One seat on its way, with its machines that wait for their turn to boot and those woken from a saved memory."""

    work: SeatWork
    seat: Seat | None
    waiting: list[libvirt.virDomain] = field(default_factory=list)
    woken: list[libvirt.virDomain] = field(default_factory=list)


class Boots:
    """Lets a few machines boot at the same time, so that thirty do not starve each other."""

    def __init__(self, places: int) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._lock = threading.Lock()
        self._behind = 0

    def announce(self, number: int) -> None:
        self._behind = number

    def take_turn(self, begin: Callable[[], bool], ready: Callable[[], bool]) -> None:
        """Begin, and keep the place until it is ready, as long as somebody wants it."""
        with self._places:
            with self._lock:
                self._behind -= 1
            end = time.monotonic() + BOOT_PATIENCE_S
            if begin():
                while self._behind > 0 and time.monotonic() < end and not ready():
                    time.sleep(0.25)


@dataclass(frozen=True)
class Maker:
    connection: libvirt.virConnect
    storage: Path
    accelerator: str
    boots: Boots

    def make(self, makings: list[Making]) -> None:
        for step in (self.prepare, self.make_machines, self.let_run):
            in_threads(lambda making, step=step: self.guarded(making, step), [m for m in makings if m.seat])
        boots = [(making, domain) for making in makings for domain in making.waiting]
        self.boots.announce(len(boots))
        in_threads(lambda boot: self.boot(*boot), boots)
        in_threads(set_clock, [domain for making in makings for domain in making.woken])

    def guarded(self, making: Making, step: Any) -> None:
        guarded(
            making.work, self.storage, lambda: step(making, making.seat, SeatPlaces(self.storage, making.seat.seat_id))
        )

    def prepare(self, making: Making, seat: Seat, places: SeatPlaces) -> None:
        """Nothing runs yet. A machine that has to be made begins with fresh files."""
        places.make_folders()
        if seat.fresh and self.throw_away(seat, places):
            making.work.note("thrown away")
        if make_network(seat, places):
            making.work.note("network made")
        for machine in seat.machines:
            if find(self.connection, machine.vm_id, seat.seat_id) is None:
                self.make_files(seat, machine, places.machine(machine.vm_id))

    def throw_away(self, seat: Seat, places: SeatPlaces) -> bool:
        """The machines; the network has nothing of the student's."""
        gone = False
        for machine in seat.machines:
            domain = find(self.connection, machine.vm_id, seat.seat_id)
            gone = remove_machine(places.machine(machine.vm_id), domain) or gone
        return gone

    def make_files(self, seat: Seat, machine: SeatMachine, places: SeatMachinePlaces) -> None:
        make_folder(places.folder, mode=0o711)
        places.make_sockets_folder()
        if places.begun.exists():
            return
        if seat.image is not None:
            image = ImagePlaces(self.storage, seat.image)
            check_fits(image, self.accelerator)
            image.machine(machine.host_name).make_files(places)
        else:
            make_disk(machine.guest, places)
            make_seed(machine.guest, places, macs=[card.mac for card in machine.cards])

    def make_machines(self, making: Making, seat: Seat, places: SeatPlaces) -> None:
        """All paused: a guest that runs takes the processors from those that are still being made."""
        with ThreadPoolExecutor(len(seat.machines)) as pool:
            list(pool.map(lambda machine: self.make_machine(making, seat, machine), seat.machines))

    def make_machine(self, making: Making, seat: Seat, machine: SeatMachine) -> None:
        places = SeatPlaces(self.storage, seat.seat_id).machine(machine.vm_id)
        if find(self.connection, machine.vm_id, seat.seat_id) is not None:
            return
        if boots_itself(seat, places):
            ways = HostWays(self.accelerator, cache_mode(places.disk))
            xml = seat_domain_xml(seat, machine, places, ways)
            self.connection.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED)
            making.work.note("made")
        else:
            self.restore(seat, machine, places)
            making.work.note("restored from memory")

    def restore(self, seat: Seat, machine: SeatMachine, places: SeatMachinePlaces) -> None:
        memory = ImagePlaces(self.storage, seat.image or "").machine(machine.host_name).memory
        saved = read_saved(memory)
        xml = turned_into(saved.xml, seat, machine, places)
        with poured(memory, saved, xml, places.memory_pipe):
            self.connection.restoreFlags(str(places.memory_pipe), None, libvirt.VIR_DOMAIN_SAVE_PAUSED)

    def let_run(self, making: Making, seat: Seat, places: SeatPlaces) -> None:
        """Restored ones run at once; those that boot come one after the other."""
        for machine in seat.machines:
            domain = find(self.connection, machine.vm_id, seat.seat_id)
            if domain is None:
                raise Refused(f"{machine.host_name} ended as soon as it was made")
            if domain.state()[0] in RUNNING:
                continue
            machine_places = places.machine(machine.vm_id)
            if boots_itself(seat, machine_places):
                making.waiting.append(domain)
            else:
                domain.resume()
                making.work.note("running")
                making.woken.append(domain)
            machine_places.begun.touch(mode=0o600)

    def boot(self, making: Making, domain: libvirt.virDomain) -> None:
        def begin() -> bool:
            guarded(making.work, self.storage, domain.resume)
            if not making.work.trouble:
                making.work.note("started")
            return not making.work.trouble

        self.boots.take_turn(begin, lambda: answers(domain))


def boots_itself(seat: Seat, places: SeatMachinePlaces) -> bool:
    """A restored machine that was switched off boots from its disk, with what was done on it."""
    return seat.image is None or places.begun.exists()


def set_clock(domain: libvirt.virDomain) -> None:
    """Its clock stood still since it was saved, days ago perhaps. A guest without an agent has to live with that."""
    end = time.monotonic() + CLOCK_PATIENCE_S
    while not answers(domain) and time.monotonic() < end:
        time.sleep(0.05)
    command = json.dumps({"execute": "guest-set-time", "arguments": {"time": time.time_ns()}})
    with suppress(libvirt.libvirtError):  # it says so too when the clock is right and only the battery's is not
        libvirt_qemu.qemuAgentCommand(domain, command, AGENT_S, 0)


def answers(domain: libvirt.virDomain) -> bool:
    try:
        libvirt_qemu.qemuAgentCommand(domain, '{"execute":"guest-ping"}', AGENT_S, 0)
    except libvirt.libvirtError:
        return False
    return True


def check_fits(image: ImagePlaces, accelerator: str) -> None:
    try:
        description = json.loads(image.description.read_text())
    except (FileNotFoundError, ValueError):
        raise Refused(f"the saved machines {image.image} are not on this host's storage") from None
    if description.get("accelerator") != accelerator:
        raise Refused(f"the saved machines {image.image} were saved on a host of another kind")


def read_makings(params: dict[str, Any]) -> list[Making]:
    makings = []
    for order in params["seats"]:
        making = Making(SeatWork(None, str(order.get("seat_id"))), None)
        try:
            making.work.seat_id = read_seat_id(order.get("seat_id"))
            making.work.token = token_of(params["fencing"], making.work.seat_id)
            making.seat = read_seat(order)
        except Refused as error:
            making.work.trouble = str(error)
        makings.append(making)
    return makings


def make_seats(params: dict[str, Any]) -> list[Making]:
    makings, storage = read_makings(params), Path(params["storage_dir"])
    if not storage.is_dir():
        raise Refused(f"the storage folder {storage} is not there")
    connection = libvirt.open("qemu:///system")
    try:
        boots = Boots(max(1, params["boots_per_core"]) * (os.cpu_count() or 1))
        Maker(connection, storage, read_accelerator(), boots).make(makings)
    finally:
        connection.close()
    return makings


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "seats": {"type": "list", "elements": "dict", "required": True},
            "fencing": {"type": "dict", "default": {}},
            "storage_dir": {"type": "path", "required": True},
            "boots_per_core": {"type": "int", "default": 2},
        }
    )
    answer(module, make_seats, unchanged="as it should be")


if __name__ == "__main__":
    main()
