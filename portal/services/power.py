"""Switching machines and looking at their screens. No transaction is open while a host works (transactions.py)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict
from portal.core.lifecycle import VmState
from portal.core.policy import Actor
from portal.interfaces import Hypervisor, Screenshot
from portal.models import Vm
from portal.services.audit import record, subject_of
from portal.services.parking import ASKED
from portal.services.transactions import let_go
from portal.services.vm_access import address_of, again, usable


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
    note_action(vm, action, now)
    record(db, actor=actor, action=f"vm.{action}", subject=subject_of(vm), now=now)
    return vm


def check_action(vm: Vm, action: PowerAction, now: datetime) -> None:
    if action in (PowerAction.START, PowerAction.REBOOT):
        check_may_run(vm, now)
    if action != PowerAction.START and vm.state in (VmState.STOPPED, VmState.PARKED):
        raise Conflict(N_("The machine is switched off."))


def check_may_run(vm: Vm, now: datetime) -> None:
    """Nothing is set going that the clock has ended, for nobody would look after it."""
    if vm.expires_at <= now:
        raise Conflict(N_("The time of this machine is over. Extend it first, then start it."))
    if vm.retire_at is not None and vm.retire_at <= now:
        raise Conflict(N_("This machine is being given back. Extend it first, if you still need it."))


def note_action(vm: Vm, action: PowerAction, now: datetime) -> None:
    if action == PowerAction.SHUT_DOWN:
        vm.shut_down_asked_at = now
        vm.state_reason = vm.state_reason or ASKED
        return
    vm.switched_at = now
    if action in (PowerAction.START, PowerAction.REBOOT):
        note_running(vm)
    elif vm.state != VmState.STOPPED:
        vm.move_to(VmState.STOPPED)


def note_running(vm: Vm) -> None:
    """It runs because somebody wants it to: whatever was to stop it is taken back."""
    vm.parked_at = vm.parking_since = vm.shut_down_asked_at = None
    if vm.state == VmState.RUNNING:
        vm.state_reason = ""
    else:
        vm.move_to(VmState.RUNNING)


def screenshot(db: Session, *, actor: Actor, vm_id: UUID, hypervisor: Hypervisor) -> Screenshot:
    vm = usable(db, actor=actor, vm_id=vm_id)
    host = address_of(db, vm)
    let_go(db)
    return hypervisor.screenshot(host, vm_id)
