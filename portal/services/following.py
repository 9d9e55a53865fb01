"""Rows follow what hosts say of their machines: shut down from inside, gone off with a host, started by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, MachineMissing, OutsideUnavailable
from portal.core.lifecycle import VmState
from portal.core.policy import Actor
from portal.interfaces import Hypervisor, Power
from portal.models import Vm
from portal.services.parking import LISTENS_FOR
from portal.services.transactions import let_go
from portal.services.vm_access import again, get
from portal.services.workflows import is_under_way

WENT_OFF = N_("The machine went off by itself or with its host.")  # after a power cut nobody knows which
STANDS_STILL = N_("It stands still: it was paused on its host, often because no room was left on a disk.")
SETTLES = timedelta(seconds=30)  # how long switching may take: what was seen meanwhile may be older than it


def is_changing(vm: Vm, now: datetime) -> bool:
    """Worth a look at the host now: somebody asked the machine to stop a moment ago."""
    asked_at = vm.parking_since or vm.shut_down_asked_at
    return vm.state == VmState.RUNNING and asked_at is not None and now - asked_at < LISTENS_FOR


def look(db: Session, *, actor: Actor, vm_id: UUID, hypervisor: Hypervisor, now: datetime) -> Vm:
    """Ask this one machine's host how it is and follow. `db` may write; the caller commits.

    A host that does not answer changes nothing: `refresh hosts` says so.
    """
    vm = get(db, actor=actor, vm_id=vm_id)
    if vm.host is None or vm.state == VmState.RETIRED or is_under_way(db, vm.id):
        return vm
    host = vm.host.reached_at
    let_go(db)
    try:
        power = hypervisor.machine(host, vm_id).power
    except (MachineMissing, OutsideUnavailable):
        return vm
    vm = again(db, vm_id)
    follow(vm, power, looked_at=now)
    return vm


def follow(vm: Vm, power: Power | None, *, looked_at: datetime) -> None:
    """`looked_at` is when the look began: what we have switched since then it does not know.

    Machines on their way to the park are followed by leases.park_due.
    """
    if vm.parking_since is not None or is_stale(vm, looked_at):
        return
    if vm.state == VmState.RUNNING and power in {Power.OFF, Power.CRASHED}:
        note_off(vm)
    elif vm.state == VmState.RUNNING and power == Power.PAUSED:
        vm.state_reason = STANDS_STILL  # not "off": a snapshot pauses for a moment too, and consoles stay open
    elif vm.state == VmState.RUNNING and vm.state_reason == STANDS_STILL and power == Power.RUNNING:
        vm.state_reason = ""
    elif vm.state == VmState.STOPPED and power == Power.RUNNING:
        vm.move_to(VmState.RUNNING)
    elif vm.shut_down_asked_at is not None and looked_at - vm.shut_down_asked_at >= LISTENS_FOR:
        vm.shut_down_asked_at, vm.state_reason = None, ""  # it did not listen, and nobody waits any more


def is_stale(vm: Vm, looked_at: datetime) -> bool:
    """Whether the look may be older than our last switching. What was asked after it came to a machine that ran."""
    if vm.switched_at is None or looked_at >= vm.switched_at + SETTLES:
        return False
    asked_at = vm.shut_down_asked_at
    return asked_at is None or not vm.switched_at < asked_at <= looked_at


def note_off(vm: Vm) -> None:
    """Nothing to explain when somebody has asked for it."""
    vm.move_to(VmState.STOPPED, reason="" if vm.shut_down_asked_at else WENT_OFF)
    vm.shut_down_asked_at = None
