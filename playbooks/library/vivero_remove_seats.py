#!/usr/bin/python3
"""Ansible module: take seats away for good: machines, networks, sockets, files. The undo of making them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import libvirt
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.vivero_machine import Refused, read_vm_id
from ansible.module_utils.vivero_seat import read_seat_id
from ansible.module_utils.vivero_seat_machines import domains_by_seat, remove_seat
from ansible.module_utils.vivero_seat_places import SeatPlaces
from ansible.module_utils.vivero_seat_work import SeatWork, answer, guarded, in_threads
from ansible.module_utils.vivero_storage import forget_fences, token_of

DOCUMENTATION = """
module: vivero_remove_seats
short_description: Removes seats and everything that belongs to them
description:
  - A seat that is not there counts as removed. Machines are found by the seat's mark, so their ids need not be known.
options:
  seats:
    description: "each with seat_id, label and vm_ids; keep_files where the seat was made again on another host"
    type: list
    elements: dict
    required: true
  fencing: {description: fencing numbers by seat, type: dict, default: {}}
  storage_dir: {description: the shared storage, type: path, required: true}
"""


@dataclass
class Removing:
    work: SeatWork
    vm_ids: frozenset[UUID] = frozenset()
    keep_files: bool = False


def read_removings(params: dict[str, Any]) -> list[Removing]:
    removings = []
    for order in params["seats"]:
        removing = Removing(SeatWork(None, str(order.get("seat_id"))))
        try:
            removing.vm_ids = frozenset(read_vm_id(vm_id) for vm_id in order.get("vm_ids") or [])
            removing.keep_files = order.get("keep_files") is True
            removing.work.token = token_of(params["fencing"], read_seat_id(order.get("seat_id")))
            removing.work.seat_id = read_seat_id(order.get("seat_id"))
        except Refused as error:
            removing.work.trouble = str(error)
        removings.append(removing)
    return removings


def remove_seats(params: dict[str, Any]) -> list[Removing]:
    removings, storage = read_removings(params), Path(params["storage_dir"])
    if not storage.is_dir():
        raise Refused(f"the storage folder {storage} is not there")
    connection = libvirt.open("qemu:///system")

    def step(removing: Removing) -> None:
        def remove() -> None:
            """What runs is asked behind the fence: a late worker may have made something until then."""
            seat_id = removing.work.seat_id
            if seat_id is None:
                return
            domains = domains_by_seat(connection, only=seat_id).get(seat_id, {})
            places = SeatPlaces(storage, seat_id)
            if remove_seat(places, domains, removing.vm_ids, keep_files=removing.keep_files):
                removing.work.note("removed")

        guarded(removing.work, storage, remove, retiring=True)

    try:
        in_threads(step, removings)
        forget_fences(storage, time.time())
    finally:
        connection.close()
    return removings


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "seats": {"type": "list", "elements": "dict", "required": True},
            "fencing": {"type": "dict", "default": {}},
            "storage_dir": {"type": "path", "required": True},
        }
    )
    answer(module, remove_seats, unchanged="was not there")


if __name__ == "__main__":
    main()
