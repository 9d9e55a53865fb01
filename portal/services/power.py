"""Switching machines and looking at their screens. No transaction is open while a host works (transactions.py)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from time import sleep
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict
from portal.core.lifecycle import VmState
from portal.core.policy import Actor
from portal.interfaces import HostAddress, Hypervisor, Power, Screenshot
from portal.models import Vm
from portal.services.audit import record, subject_of
from portal.services.transactions import let_go
from portal.services.vm_access import address_of, usable

PATIENCE_S = 15


class PowerAction(StrEnum):
    START = "start"
    SHUT_DOWN = "shut_down"
    POWER_OFF = "power_off"
    REBOOT = "reboot"


def power(db: Session, *, actor: Actor, vm_id: UUID, action: PowerAction, hypervisor: Hypervisor, now: datetime) -> Vm:
    """Switch a machine. Shutting down only asks the guest: the state follows when it has stopped."""
    vm = usable(db, actor=actor, vm_id=vm_id)
    host = address_of(db, vm)
    check_action(vm, action, now)
    let_go(db)
    calls = {
        PowerAction.START: hypervisor.start,
        PowerAction.SHUT_DOWN: hypervisor.shut_down,
        PowerAction.POWER_OFF: hypervisor.power_off,
        PowerAction.REBOOT: hypervisor.reboot,
    }
    calls[action](host, vm_id)
    vm = again(db, vm_id)
    note_action(vm, action)
    record(db, actor=actor, action=f"vm.{action}", subject=subject_of(vm), now=now)
    return vm


def check_action(vm: Vm, action: PowerAction, now: datetime) -> None:
    if action == PowerAction.START:
        if vm.expires_at <= now:
            raise Conflict(N_("The time of this machine is over. Extend it first, then start it."))
    elif vm.state in (VmState.STOPPED, VmState.PARKED):
        raise Conflict(N_("The machine is switched off."))


def again(db: Session, vm_id: UUID) -> Vm:
    """The row as it is now that the host has answered: others may have changed it meanwhile."""
    vm = db.get_one(Vm, vm_id, populate_existing=True, with_for_update={"of": Vm})
    if vm.state == VmState.RETIRED:
        raise Conflict(N_("This machine was given back."))
    return vm


def note_action(vm: Vm, action: PowerAction) -> None:
    if action in (PowerAction.START, PowerAction.REBOOT):
        vm.parked_at = None
        if vm.state != VmState.RUNNING:
            vm.move_to(VmState.RUNNING)
    elif action == PowerAction.POWER_OFF and vm.state != VmState.STOPPED:
        vm.move_to(VmState.STOPPED)


def screenshot(db: Session, *, actor: Actor, vm_id: UUID, hypervisor: Hypervisor) -> Screenshot:
    vm = usable(db, actor=actor, vm_id=vm_id)
    host = address_of(db, vm)
    let_go(db)
    return hypervisor.screenshot(host, vm_id)


def park(
    db: Session,
    *,
    actor: Actor | None,
    vm_id: UUID,
    hypervisor: Hypervisor,
    now: datetime,
    patience_s: int = PATIENCE_S,
    wait: Callable[[float], None] = sleep,
) -> Vm:
    """Off, disk kept, until it is started again or retired. Asks the guest first, then switches it off.

    `actor` is None when the lease has ended.
    """
    vm = db.get_one(Vm, vm_id) if actor is None else usable(db, actor=actor, vm_id=vm_id)
    if vm.state == VmState.PARKED:
        return vm
    host = address_of(db, vm)
    let_go(db)
    stop(hypervisor, host, vm_id, patience_s=patience_s, wait=wait)
    vm = again(db, vm_id)
    if vm.state != VmState.PARKED:
        vm.move_to(VmState.PARKED)
        vm.parked_at = now
        record(db, actor=actor, action="vm.parked", subject=subject_of(vm), now=now)
    return vm


def stop(
    hypervisor: Hypervisor, host: HostAddress, vm_id: UUID, *, patience_s: int, wait: Callable[[float], None]
) -> None:
    """Return when the machine is off: by itself if it listens, else switched off."""
    if is_off(hypervisor, host, vm_id):
        return
    hypervisor.shut_down(host, vm_id)
    for _ in range(patience_s):
        if is_off(hypervisor, host, vm_id):
            return
        wait(1.0)
    hypervisor.power_off(host, vm_id)


def is_off(hypervisor: Hypervisor, host: HostAddress, vm_id: UUID) -> bool:
    return hypervisor.machine(host, vm_id).power in (Power.OFF, Power.CRASHED)
