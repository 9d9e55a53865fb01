"""Playbooks without Ansible: they say the same lines and make the same machines, in a cluster that is not there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from portal.backends.fake_cluster import FAILING, FakeCluster, FakeMachine, Trouble, World
from portal.backends.fake_seats import copy_disk, drop_images, make_seat, remove_seat, save_seat
from portal.core.errors import N_, OutsideUnavailable
from portal.interfaces import HostAddress, MachineOutcome, PlaybookLine, PlaybookResult, PlaybookRun, PlaybookStatus

MACHINE_S = 0.2
TASKS = {
    "clone_vms": "Make the disks, define the machines and start them",
    "copy_seat_disks": "Shut the machines down and copy their disks",
    "retire_vms": "Remove the machines and everything that belongs to them",
    "make_seats": "Make the networks and the machines and let them run",
    "save_seats": "Save the machines with their memory",
    "remove_seats": "Remove the seats and everything that belongs to them",
    "drop_seat_images": "Remove saved machines",
}
LISTS = {
    "clone_vms": "machines",
    "copy_seat_disks": "machines",
    "retire_vms": "machines",
    "make_seats": "seats",
    "save_seats": "images",
    "remove_seats": "seats",
}
Act = Callable[[World, HostAddress, Mapping[str, Any], PlaybookRun, float], MachineOutcome]


@dataclass
class Progress:
    """One run on its way."""

    on_line: Callable[[PlaybookLine], None]
    machines: dict[UUID, MachineOutcome] = field(default_factory=dict)
    hosts_failed: dict[str, str] = field(default_factory=dict)

    def say(self, host: str, text: str, *, failed: bool = False) -> None:
        self.on_line(PlaybookLine(datetime.now(UTC), host, text, failed))


class FakePlaybooks:
    """PlaybookRunner (portal/interfaces.py). Knows the playbooks of TASKS."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time, machine_s: float = MACHINE_S) -> None:
        self.cluster = FakeCluster(folder, clock=clock)
        self._machine_s = machine_s

    def run(
        self,
        run: PlaybookRun,
        *,
        on_line: Callable[[PlaybookLine], None] = lambda line: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> PlaybookResult:
        if run.playbook not in TASKS:
            raise OutsideUnavailable(N_("The playbook %(name)s is not installed."), name=run.playbook)
        progress = Progress(on_line)
        progress.say("", f"{TASKS[run.playbook]} …")
        if run.playbook == "drop_seat_images":
            with self.cluster.world() as world:
                drop_images(world, run)
        for host in run.hosts:
            if self._is_down(host):
                progress.hosts_failed[host.name] = "does not answer: simulated"
                progress.say(host.name, progress.hosts_failed[host.name], failed=True)
                continue
            for order in orders_of(run, host):
                if cancelled():
                    return PlaybookResult(PlaybookStatus.CANCELLED, progress.machines, progress.hosts_failed)
                self._carry_out(ACTS[run.playbook], run, host, order, progress)
        status = PlaybookStatus.FAILED if progress.hosts_failed else PlaybookStatus.SUCCEEDED
        return PlaybookResult(status, progress.machines, progress.hosts_failed)

    def close(self) -> None:
        """Nothing is kept open."""

    def _is_down(self, host: HostAddress) -> bool:
        with self.cluster.world() as world:
            return Trouble.HOST_DOWN in world.troubles.get(host.name, [])

    def _carry_out(
        self, act: Act, run: PlaybookRun, host: HostAddress, order: Mapping[str, Any], progress: Progress
    ) -> None:
        time.sleep(self._machine_s)
        with self.cluster.world() as world:
            outcome = act(world, host, order, run, self.cluster.clock())
        key = order.get("vm_id") or order["seat_id"]
        progress.machines[UUID(key)] = outcome
        name = order.get("label") or order.get("name") or key
        progress.say(host.name, f"{name} – {outcome.message}", failed=not outcome.ok)


def orders_of(run: PlaybookRun, host: HostAddress) -> list[Mapping[str, Any]]:
    variables: Mapping[str, Any] = run.host_variables.get(host.name, {})
    return list(variables.get(f"{run.playbook}_{LISTS.get(run.playbook, '')}", []))


def fence_of(run: PlaybookRun, vm_id: str) -> int:
    fencing: Any = run.variables.get("fencing") or {}
    return int((fencing.get(vm_id) or {}).get("token") or 0)


def clone(world: World, host: HostAddress, order: Mapping[str, Any], run: PlaybookRun, now: float) -> MachineOutcome:
    vm_id, name = str(order["vm_id"]), str(order["name"])
    token, known = fence_of(run, vm_id), world.machines.get(vm_id)
    if known is not None and known.fence > token > 0:
        return MachineOutcome(ok=False, changed=False, message="another worker has taken over this machine")
    if world.retired.get(vm_id, 0) >= token > 0:
        return MachineOutcome(ok=False, changed=False, message="this machine was taken away meanwhile")
    if FAILING in name:
        return MachineOutcome(ok=False, changed=False, message="the simulator was told to let this machine fail")
    if any(m.name == name and m.host == host.name and m.vm_id != vm_id for m in world.machines.values()):
        return MachineOutcome(False, False, f"another machine on this host is already called {name}")
    if order.get("copied") and vm_id not in world.copies:
        return MachineOutcome(ok=False, changed=False, message="the copy of the seat's disk is not there")
    starts = run.variables.get("clone_vms_start", True)
    did = []
    if known is None:
        known = FakeMachine(vm_id, host.name, name, order["vcpus"], order["memory_mib"], order.get("address"))
        known.files = list(world.copies.get(vm_id, []))
        world.machines[vm_id] = known
        did += ["disk made", "defined"]
    known.fence = max(known.fence, token)
    if starts and known.power != "running":
        known.switch_on(now)
        did.append("started")
    return MachineOutcome(ok=True, changed=bool(did), message=", ".join(did) or "as it should be")


def retire(world: World, host: HostAddress, order: Mapping[str, Any], run: PlaybookRun, now: float) -> MachineOutcome:
    vm_id = str(order["vm_id"])
    token, known = fence_of(run, vm_id), world.machines.get(vm_id)
    if known is not None and known.fence > token > 0:
        return MachineOutcome(ok=False, changed=False, message="another worker has taken over this machine")
    world.machines.pop(vm_id, None)
    world.copies.pop(vm_id, None)
    world.retired[vm_id] = max(token, world.retired.get(vm_id, 0))
    return MachineOutcome(ok=True, changed=known is not None, message="removed" if known else "was not there")


ACTS: Mapping[str, Act] = {
    "clone_vms": clone,
    "copy_seat_disks": copy_disk,
    "retire_vms": retire,
    "make_seats": make_seat,
    "save_seats": save_seat,
    "remove_seats": remove_seat,
}
