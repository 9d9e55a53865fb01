#!/usr/bin/python3
"""Ansible module: take machines away for good: domain, snapshots, files, address, sockets. The undo of cloning."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import libvirt
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.vivero_machine import Refused, read_vm_id
from ansible.module_utils.vivero_storage import Places, draft_of, fenced, forget_fences, remove_tree, token_of

DOCUMENTATION = """
module: vivero_retire_vms
short_description: Removes machines and everything that belongs to them
description:
  - A machine that is not there counts as removed. Machines without Vivero's mark are refused.
options:
  machines:
    description: "each with its vm_id; keep_files where a machine of the same id on another host still has its files"
    type: list
    elements: dict
    required: true
  fencing: {description: fencing numbers by machine, type: dict, default: {}}
  storage_dir: {description: the shared storage, type: path, required: true}
"""

NAMESPACE = "https://vivero.invalid/ns/1"
THREADS = 8
NVRAM = {True: libvirt.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM, False: libvirt.VIR_DOMAIN_UNDEFINE_NVRAM}  # by keep_files
UNDEFINE = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
)


def retire(connection: libvirt.virConnect, places: Places, token: int | None, *, keep_files: bool) -> bool:
    """Whether there was anything to take away."""
    with fenced(places.fence, token, retiring=True):
        changed = remove_domain(connection, places.vm_id, keep_files=keep_files)
        changed = remove_tree(places.sockets) or changed
        if not keep_files:
            changed = remove_files(places) or changed
    return changed


def remove_files(places: Places) -> bool:
    """What lies on the shared storage."""
    changed = remove_tree(places.folder)
    for file in (places.dhcp, draft_of(places.dhcp)):
        if file.is_symlink() or file.exists():
            file.unlink(missing_ok=True)
            changed = True
    return changed


def remove_domain(connection: libvirt.virConnect, vm_id: UUID, *, keep_files: bool) -> bool:
    try:
        domain = connection.lookupByUUIDString(str(vm_id))
        check_ours(domain)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return False
        raise
    forget_then_stop(domain, UNDEFINE | NVRAM[keep_files])
    return True


def forget_then_stop(domain: libvirt.virDomain, flags: int) -> None:
    """Undefined first: what has no definition cannot be started again between the two."""
    try:
        if domain.isPersistent():
            domain.undefineFlags(flags)
        if domain.isActive():
            domain.destroy()
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:  # it was off, and is gone with its definition
            raise


def check_ours(domain: libvirt.virDomain) -> None:
    try:
        domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN_METADATA:
            raise Refused(f"{domain.name()} was not made by Vivero and is left alone") from None
        raise


def outcome(connection: libvirt.virConnect, params: dict[str, Any], order: dict[str, Any]) -> dict[str, Any]:
    answer = {"vm_id": str(order.get("vm_id")), "ok": False, "changed": False}
    try:
        vm_id = read_vm_id(order.get("vm_id"))
        places, token = Places(Path(params["storage_dir"]), vm_id), token_of(params["fencing"], vm_id)
        changed = retire(connection, places, token, keep_files=bool(order.get("keep_files")))
    except Refused as error:
        return {**answer, "message": str(error)}
    except libvirt.libvirtError as error:
        return {**answer, "message": f"libvirt: {error.get_error_message()}"}
    except OSError as error:
        return {**answer, "message": f"{type(error).__name__}: {error}"}
    return {**answer, "ok": True, "changed": changed, "message": "removed" if changed else "was not there"}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "machines": {"type": "list", "elements": "dict", "required": True},
            "fencing": {"type": "dict", "default": {}},
            "storage_dir": {"type": "path", "required": True},
        }
    )
    libvirt.registerErrorHandler(lambda context, error: None, None)
    if not Path(module.params["storage_dir"]).is_dir():
        module.fail_json(msg=f"the storage folder {module.params['storage_dir']} is not there")
    try:
        connection = libvirt.open("qemu:///system")
    except libvirt.libvirtError as error:
        module.fail_json(msg=f"libvirt: {error.get_error_message()}")
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            orders = module.params["machines"]
            machines = list(pool.map(lambda order: outcome(connection, module.params, order), orders))
        forget_fences(Path(module.params["storage_dir"]), time.time())
    finally:
        connection.close()
    module.exit_json(changed=any(machine["changed"] for machine in machines), machines=machines)


if __name__ == "__main__":
    main()
