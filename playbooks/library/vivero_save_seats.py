#!/usr/bin/python3
"""Ansible module: save the machines of golden seats with their memory, as images that other seats are restored from."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import libvirt
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.vivero_disk import read_qcow2, run
from ansible.module_utils.vivero_host import read_accelerator
from ansible.module_utils.vivero_machine import NAME, Refused, matching
from ansible.module_utils.vivero_seat import read_image, read_seat_id
from ansible.module_utils.vivero_seat_machines import domains_by_seat, remove_seat
from ansible.module_utils.vivero_seat_places import ImagePlaces, SavedMachinePlaces, SeatPlaces
from ansible.module_utils.vivero_seat_work import SeatWork, answer, guarded, in_threads
from ansible.module_utils.vivero_storage import make_folder, remove_tree, token_of, write_whole

DOCUMENTATION = """
module: vivero_save_seats
short_description: Saves running seats as images to restore others from, and removes the rest of them
description:
  - Every seat has its own outcome in C(machines), by the seat's id. An image that is there already is kept.
options:
  images: {description: "each with seat_id, image and label", type: list, elements: dict, required: true}
  fencing: {description: fencing numbers by seat, type: dict, default: {}}
  storage_dir: {description: the shared storage, type: path, required: true}
"""

Domains = dict[UUID, tuple[libvirt.virDomain, str]]


@dataclass
class Saving:
    work: SeatWork
    image: str


def save(storage: Path, saving: Saving, domains: Domains) -> None:
    """The image is whole once it has its final name."""
    seat_id = saving.work.seat_id
    if seat_id is None:
        return
    places, image = SeatPlaces(storage, seat_id), ImagePlaces(storage, saving.image)
    if not image.description.exists():
        save_image(places, image, domains)
        saving.work.note("saved")
    if remove_seat(places, domains):
        saving.work.note("removed")


def save_image(places: SeatPlaces, image: ImagePlaces, domains: Domains) -> None:
    if not domains:
        raise Refused("no machine of this seat runs on this host, so there is nothing to save")
    remove_tree(image.draft)
    for domain, _ in domains.values():  # all stand still before the first is saved, so that they agree
        if domain.state()[0] != libvirt.VIR_DOMAIN_PAUSED:
            domain.suspend()
    make_folder(image.folder.parent, mode=0o755)
    make_folder(image.draft, mode=0o755)
    with ThreadPoolExecutor(len(domains)) as pool:
        machines = list(pool.map(lambda vm_id: save_machine(places, image, vm_id, domains[vm_id]), domains))
    description = {"accelerator": read_accelerator(), "machines": machines}
    write_whole(image.draft / image.description.name, json.dumps(description, indent=1) + "\n", mode=0o644)
    remove_tree(image.folder)
    image.draft.rename(image.folder)


def save_machine(
    places: SeatPlaces, image: ImagePlaces, vm_id: UUID, named: tuple[libvirt.virDomain, str]
) -> dict[str, Any]:
    domain, host_name = named[0], matching(NAME, named[1], "the machine's mark")
    draft, files = image.machine(host_name, draft=True), places.machine(vm_id)
    make_folder(draft.folder, mode=0o755)
    memory_kib, vcpus = domain.info()[1], domain.info()[3]
    domain.saveFlags(str(draft.memory), None, libvirt.VIR_DOMAIN_SAVE_RUNNING)  # ends the machine
    draft.memory.chmod(0o600)
    keep_disk(files.disk, draft, final=image.machine(host_name).disk)
    if files.seed.exists():
        files.seed.rename(draft.seed)
    size = draft.memory.stat().st_size
    return {"name": host_name, "memory_mib": memory_kib // 1024, "vcpus": vcpus, "saved_bytes": size}


def keep_disk(disk: Path, draft: SavedMachinePlaces, *, final: Path) -> None:
    """Never written again, or the saved memory would not fit it; and an empty overlay on it, to be copied."""
    size = read_qcow2(disk).virtual_bytes
    disk.rename(draft.disk)
    draft.disk.chmod(0o444)
    backing = ["-u", "-F", "qcow2", "-b", str(final)]  # -u: it gets that name in a moment
    run("qemu-img", "create", "-q", "-f", "qcow2", *backing, str(draft.overlay), str(size))


def read_savings(params: dict[str, Any]) -> list[Saving]:
    savings = []
    for order in params["images"]:
        saving = Saving(SeatWork(None, str(order.get("seat_id"))), "")
        try:
            saving.image = read_image(order.get("image"))
            saving.work.token = token_of(params["fencing"], read_seat_id(order.get("seat_id")))
            saving.work.seat_id = read_seat_id(order.get("seat_id"))
        except Refused as error:
            saving.work.trouble = str(error)
        savings.append(saving)
    return savings


def save_seats(params: dict[str, Any]) -> list[Saving]:
    savings, storage = read_savings(params), Path(params["storage_dir"])
    if not storage.is_dir():
        raise Refused(f"the storage folder {storage} is not there")
    connection = libvirt.open("qemu:///system")
    try:
        seats = domains_by_seat(connection)

        def step(saving: Saving) -> None:
            domains = seats.get(saving.work.seat_id, {}) if saving.work.seat_id else {}
            guarded(saving.work, storage, lambda: save(storage, saving, domains))

        in_threads(step, savings)
    finally:
        connection.close()
    return savings


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "images": {"type": "list", "elements": "dict", "required": True},
            "fencing": {"type": "dict", "default": {}},
            "storage_dir": {"type": "path", "required": True},
        }
    )
    answer(module, save_seats, unchanged="was saved already")


if __name__ == "__main__":
    main()
