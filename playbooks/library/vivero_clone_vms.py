#!/usr/bin/python3
"""Ansible module: make all machines of one host in one call: files first, then definitions, then the starts."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import libvirt
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.vivero_caller import check_caller
from ansible.module_utils.vivero_disk import cache_mode, make_disk
from ansible.module_utils.vivero_domain import HostWays, domain_xml
from ansible.module_utils.vivero_host import read_accelerator
from ansible.module_utils.vivero_machine import Machine, Refused, read_machine
from ansible.module_utils.vivero_seed import make_seed
from ansible.module_utils.vivero_storage import SOCKETS, Places, fenced, make_folder, token_of, write_whole

DOCUMENTATION = """
module: vivero_clone_vms
short_description: Makes machines from templates' disks and starts them
description:
  - Every machine has its own outcome in C(machines); one that fails does not stop the others.
  - Running it again finishes what an interrupted run began and leaves the rest alone. Its undo is M(vivero_retire_vms).
options:
  machines: {description: the orders, type: list, elements: dict, required: true}
  secrets:
    description:
      - Secret parameters by machine, as JSON in base64.
      - In one piece, because Ansible blots out each secret text in the answer, and a short one might be part of an id.
    type: str
    default: ""
  fencing: {description: fencing numbers by machine, type: dict, default: {}}
  storage_dir: {description: the shared storage, type: path, required: true}
  start: {description: whether to start them, type: bool, default: true}
"""

THREADS_PER_CORE = 4


@dataclass
class Work:
    """One machine on its way; `trouble` ends it without ending the others."""

    vm_id: str
    machine: Machine | None = None
    token: int | None = None
    changed: bool = False
    trouble: str = ""
    done: list[str] = field(default_factory=list)

    def outcome(self) -> dict[str, Any]:
        message = self.trouble or ", ".join(self.done) or "as it should be"
        return {"vm_id": self.vm_id, "ok": not self.trouble, "changed": self.changed, "message": message}


@dataclass(frozen=True)
class Cloner:
    """All machines of one call go through its phases one after the other, each phase with threads."""

    connection: libvirt.virConnect
    storage: Path
    accelerator: str
    works: list[Work]

    def phase(self, step: Callable[[Machine], str]) -> None:
        """Run `step` for all machines without trouble; it says what it changed, or nothing."""
        threads = THREADS_PER_CORE * (os.cpu_count() or 1)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda work: self.guarded(work, step), [work for work in self.works if not work.trouble]))

    def guarded(self, work: Work, step: Callable[[Machine], str]) -> None:
        if work.machine is None:
            return
        places = Places(self.storage, work.machine.vm_id)
        try:
            check_caller()
            with fenced(places.fence, work.token):
                make_folder(places.folder, mode=0o700)
                if did := step(work.machine):
                    work.changed = True
                    work.done.append(did)
        except Refused as error:
            work.trouble = str(error)
        except libvirt.libvirtError as error:
            work.trouble = f"libvirt: {error.get_error_message()}"
        except (OSError, subprocess.SubprocessError) as error:
            work.trouble = f"{type(error).__name__}: {error}"

    def make_files(self, machine: Machine) -> str:
        places = Places(self.storage, machine.vm_id)
        changed = make_disk(machine, places)
        changed = make_seed(machine, places) or changed
        if machine.address:
            changed = write_whole(places.dhcp, dhcp_line(machine), mode=0o644) or changed
        return "disk made" if changed else ""

    def define(self, machine: Machine) -> str:
        if find(self.connection.lookupByUUIDString, str(machine.vm_id)) is not None:
            return ""
        if find(self.connection.lookupByName, machine.name) is not None:
            raise Refused(f"another machine on this host is already called {machine.name}")
        self.connection.defineXML(self.definition(machine))
        return "defined"

    def definition(self, machine: Machine, *, first_boot: bool = False) -> str:
        places = Places(self.storage, machine.vm_id)
        ways = HostWays(self.accelerator, cache_mode(places.disk))
        return domain_xml(machine, places, ways, first_boot=first_boot)

    def start_paused(self, machine: Machine) -> str:
        """A guest that boots takes the processors from those that are still being started: nobody boots yet."""
        domain = self.connection.lookupByUUIDString(str(machine.vm_id))
        if domain.isActive():
            return ""
        make_folder(Places(self.storage, machine.vm_id).sockets, mode=0o700)
        if machine.personalisation == "sysprep":
            definition = self.definition(machine, first_boot=True)  # what is defined for later boots stays as it is
            self.connection.createXML(definition, libvirt.VIR_DOMAIN_START_PAUSED)
        else:
            domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        return ""

    def let_run(self, machine: Machine) -> str:
        domain = self.connection.lookupByUUIDString(str(machine.vm_id))
        if domain.state()[0] != libvirt.VIR_DOMAIN_PAUSED:
            return ""
        domain.resume()
        return "started"


def dhcp_line(machine: Machine) -> str:
    """For dnsmasq's dhcp-hostsdir."""
    return f"{machine.mac},{machine.address},{machine.name}\n"


def find(lookup: Callable[[str], libvirt.virDomain], key: str) -> libvirt.virDomain | None:
    try:
        return lookup(key)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise


def read_works(params: dict[str, Any]) -> list[Work]:
    works = []
    secrets = json.loads(base64.b64decode(params["secrets"]) or "{}")
    for order in params["machines"]:
        work = Work(str(order.get("vm_id")))
        try:
            work.machine = read_machine(order, secrets.get(work.vm_id) or {})
            work.token = token_of(params["fencing"], work.machine.vm_id)
        except Refused as error:
            work.trouble = str(error)
        works.append(work)
    return works


def clone(params: dict[str, Any]) -> list[Work]:
    works = read_works(params)
    storage = Path(params["storage_dir"])
    if not storage.is_dir():
        raise Refused(f"the storage folder {storage} is not there")
    for folder, mode in (("vms", 0o755), ("dhcp", 0o755)):
        make_folder(storage / folder, mode=mode)
    make_folder(SOCKETS, mode=0o755)
    connection = libvirt.open("qemu:///system")
    try:
        cloner = Cloner(connection, storage, read_accelerator(), works)
        cloner.phase(cloner.make_files)
        cloner.phase(cloner.define)
        if params["start"]:
            cloner.phase(cloner.start_paused)
            cloner.phase(cloner.let_run)
    finally:
        connection.close()
    return works


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "machines": {"type": "list", "elements": "dict", "required": True},
            "secrets": {"type": "str", "default": "", "no_log": True},
            "fencing": {"type": "dict", "default": {}},
            "storage_dir": {"type": "path", "required": True},
            "start": {"type": "bool", "default": True},
        }
    )
    libvirt.registerErrorHandler(lambda context, error: None, None)  # or it prints each error as well
    try:
        works = clone(module.params)
    except Refused as error:
        module.fail_json(msg=str(error))
    except libvirt.libvirtError as error:
        module.fail_json(msg=f"libvirt: {error.get_error_message()}")
    module.exit_json(changed=any(work.changed for work in works), machines=[work.outcome() for work in works])


if __name__ == "__main__":
    main()
