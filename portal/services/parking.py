"""Parking: the guest is asked to stop, looked at later, and switched off hard only when it has not listened."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, MachineMissing
from portal.core.lifecycle import VmState
from portal.core.policy import Actor
from portal.interfaces import HostAddress, Hypervisor, Power
from portal.models import Vm
from portal.services.audit import record, subject_of
from portal.services.transactions import let_go
from portal.services.vm_access import again, place_of, usable

LISTENS_FOR = timedelta(minutes=5)  # a database or an old Windows needs minutes to end in order
ASKED = N_("It was asked to shut down.")
SHUTTING_DOWN = N_("It is being shut down, to be parked.")


def park(db: Session, *, actor: Actor | None, vm_id: UUID, hypervisor: Hypervisor, now: datetime) -> Vm:
    """Off, disk kept, until it is started again or retired. A guest that runs is only asked: see `look_after`.

    `actor` is None when the lease has ended. The host is asked, whatever the row says.
    """
    vm = fresh(db, vm_id) if actor is None else usable(db, actor=actor, vm_id=vm_id)
    host = place_of(db, vm)
    let_go(db)
    off = is_off(hypervisor, host, vm_id)
    if host is not None and not off:
        hypervisor.shut_down(host, vm_id)
    vm = again(db, vm_id)
    if actor is None and vm.expires_at > now:
        raise Conflict(N_("The lease was extended meanwhile."))
    if off:
        return put_in_park(db, vm, actor=actor, now=now)
    if vm.parking_since is None:
        vm.parking_since = vm.shut_down_asked_at = now
        vm.state_reason = SHUTTING_DOWN
        record(db, actor=actor, action="vm.park_asked", subject=subject_of(vm), now=now)
    return vm


def look_after(db: Session, *, vm_id: UUID, hypervisor: Hypervisor, now: datetime) -> Vm:
    """Park a machine that was asked to stop once it is off; switch it off when it has not listened for too long."""
    vm = fresh(db, vm_id)
    if vm.parking_since is None:
        return vm
    host, is_deaf = place_of(db, vm), vm.parking_since + LISTENS_FOR <= now
    let_go(db)
    off = is_off(hypervisor, host, vm_id)
    if host is not None and not off and is_deaf:
        if fresh(db, vm_id).parking_since is None:
            return vm
        let_go(db)
        hypervisor.power_off(host, vm_id)
        off = True
    vm = again(db, vm_id)
    return put_in_park(db, vm, actor=None, now=now) if off and vm.parking_since is not None else vm


def put_in_park(db: Session, vm: Vm, *, actor: Actor | None, now: datetime) -> Vm:
    """It is off. A row that said so already is only cleared of the question."""
    vm.parking_since = vm.shut_down_asked_at = None
    if vm.state == VmState.PARKED:
        vm.state_reason = ""
        return vm
    vm.move_to(VmState.PARKED)
    vm.parked_at = now
    record(db, actor=actor, action="vm.parked", subject=subject_of(vm), now=now)
    return vm


def keep_until(vm: Vm, end: datetime, now: datetime) -> None:
    """The lease is longer: what its end had begun is taken back. A guest that was asked to stop may stop still."""
    if vm.expires_at <= now and vm.parking_since is not None:
        vm.parking_since = None
        vm.state_reason = ASKED if vm.state == VmState.RUNNING else ""
    vm.expires_at, vm.retire_at = end, None


def fresh(db: Session, vm_id: UUID) -> Vm:
    """The row as it is now; others change it while we ask hosts."""
    return db.get_one(Vm, vm_id, populate_existing=True)


def is_off(hypervisor: Hypervisor, host: HostAddress | None, vm_id: UUID) -> bool:
    """Also what no host has: nothing runs."""
    if host is None:
        return True
    try:
        return hypervisor.machine(host, vm_id).power in (Power.OFF, Power.CRASHED)
    except MachineMissing:
        return True
