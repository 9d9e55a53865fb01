#!/usr/bin/python3
"""Ansible module: give machines that will be made a copy of the disk of a seat's machine, which stands alone."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import libvirt
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.vivero_caller import check_caller
from ansible.module_utils.vivero_disk import check_stands_alone, copy_disk
from ansible.module_utils.vivero_machine import Refused, read_size, read_vm_id
from ansible.module_utils.vivero_seat import read_seat_id
from ansible.module_utils.vivero_seat_machines import find, stop
from ansible.module_utils.vivero_seat_places import SeatPlaces
from ansible.module_utils.vivero_storage import Places, fenced, make_folder, token_of

DOCUMENTATION = """
module: vivero_copy_seat_disks
short_description: Copies disks of seats' machines for machines that are to be made
description:
  - The seat's machine is shut down first, because only then its disk is whole; who wants it boots it again.
  - Every copy has its own outcome in C(machines). Running it again leaves a copy that is there alone.
  - Its undo is M(vivero_retire_vms).
options:
  machines: {description: "{vm_id, name, seat_id, machine_id, disk_gib}", type: list, elements: dict, required: true}
  fencing: {description: fencing numbers by machine and by seat, type: dict, default: {}}
  storage_dir: {description: the shared storage, type: path, required: true}
  shutdown_s: {description: how long the guest may take to shut down, type: int, default: 90}
"""

LOOK_EVERY_S = 0.5
GONE = {libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID}


@dataclass(frozen=True)
class Order:
    vm_id: UUID
    seat_id: UUID
    machine_id: UUID
    disk_gib: int


def read_order(values: dict[str, Any]) -> Order:
    seat_id = read_seat_id(values.get("seat_id"))
    return Order(
        read_vm_id(values.get("vm_id")), seat_id, read_vm_id(values.get("machine_id")), read_size(values, "disk_gib")
    )


def copy(connection: libvirt.virConnect, order: Order, params: dict[str, Any]) -> str:
    """What was done. Nobody boots or removes the seat meanwhile: its fence is ours until the copy is whole."""
    storage, fencing = Path(params["storage_dir"]), params["fencing"]
    target, seat = Places(storage, order.vm_id), SeatPlaces(storage, order.seat_id)
    make_folder(storage / "vms", mode=0o755)
    with fenced(target.fence, token_of(fencing, order.vm_id)):
        if target.disk.exists():
            check_stands_alone(target.disk)
            return ""
        with fenced(seat.fence, token_of(fencing, order.seat_id)):
            source = seat.machine(order.machine_id)
            if not source.disk.is_file():
                raise Refused("the disk of the seat's machine is not on this host's storage")
            done = shut_down(connection, order, params["shutdown_s"])
            make_folder(target.folder, mode=0o700)
            copy_disk(source.disk, target.disk, order.disk_gib)
    return ", ".join([*done, "disk copied"])


def shut_down(connection: libvirt.virConnect, order: Order, patience_s: float) -> list[str]:
    """Asked first, by its agent or its power button; who does not listen is switched off."""
    domain = find(connection, order.machine_id, order.seat_id)
    if domain is None:
        return []
    try:
        domain.shutdown()
    except libvirt.libvirtError as error:
        if error.get_error_code() in GONE:
            return []
        patience_s = 0
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if is_gone(connection, order.machine_id):
            return ["shut down"]
        check_caller()
        time.sleep(LOOK_EVERY_S)
    stop(domain)
    return ["switched off"]


def is_gone(connection: libvirt.virConnect, machine_id: UUID) -> bool:
    """It has no definition that outlives it. Its mark is not asked for: while it goes away it has none any more."""
    try:
        connection.lookupByUUIDString(str(machine_id))
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return True
        raise
    return False


def outcome(connection: libvirt.virConnect, values: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    answer = {"vm_id": str(values.get("vm_id")), "ok": False, "changed": False}
    try:
        check_caller()
        did = copy(connection, read_order(values), params)
    except Refused as error:
        return {**answer, "message": str(error)}
    except libvirt.libvirtError as error:
        return {**answer, "message": f"libvirt: {error.get_error_message()}"}
    except (OSError, subprocess.SubprocessError) as error:
        return {**answer, "message": f"{type(error).__name__}: {error}"}
    return {**answer, "ok": True, "changed": bool(did), "message": did or "as it should be"}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "machines": {"type": "list", "elements": "dict", "required": True},
            "fencing": {"type": "dict", "default": {}},
            "storage_dir": {"type": "path", "required": True},
            "shutdown_s": {"type": "int", "default": 90},
        }
    )
    libvirt.registerErrorHandler(lambda context, error: None, None)  # or it prints each error as well
    if not Path(module.params["storage_dir"]).is_dir():
        module.fail_json(msg=f"the storage folder {module.params['storage_dir']} is not there")
    try:
        connection = libvirt.open("qemu:///system")
    except libvirt.libvirtError as error:
        module.fail_json(msg=f"libvirt: {error.get_error_message()}")
    try:
        machines = [outcome(connection, values, module.params) for values in module.params["machines"]]
    finally:
        connection.close()
    module.exit_json(changed=any(machine["changed"] for machine in machines), machines=machines)


if __name__ == "__main__":
    main()
