"""Kept states of a machine: take, go back, delete."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, NotFound, OutsideUnavailable
from portal.core.lifecycle import VmState
from portal.core.policy import Actor
from portal.interfaces import HostAddress, Hypervisor, Power, Snapshot
from portal.models import Vm
from portal.services.audit import record, subject_of
from portal.services.power import check_may_run, note_running
from portal.services.transactions import let_go
from portal.services.vm_access import address_of, again, usable

SNAPSHOT_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,38}$")
MOST = 5  # they grow the disk, and the cabinet is everybody's


def opened(db: Session, actor: Actor, vm_id: UUID) -> HostAddress:
    """Where the machine's host is, once it is clear that the person may; the transaction is ended."""
    host = address_of(db, usable(db, actor=actor, vm_id=vm_id))
    let_go(db)
    return host


def snapshots(db: Session, *, actor: Actor, vm_id: UUID, hypervisor: Hypervisor) -> list[Snapshot]:
    """Oldest first."""
    host = opened(db, actor, vm_id)
    return sorted(hypervisor.snapshots(host, vm_id), key=lambda snapshot: snapshot.taken_at)


def take_snapshot(
    db: Session, *, actor: Actor, vm_id: UUID, name: str, description: str, hypervisor: Hypervisor, now: datetime
) -> None:
    """Keep the present state under a new name; a handful a machine."""
    if not SNAPSHOT_NAME.fullmatch(name):
        raise Invalid(N_("A snapshot's name has small letters, digits and hyphens."), field="name")
    host = opened(db, actor, vm_id)
    known = {snapshot.name for snapshot in hypervisor.snapshots(host, vm_id)}
    if name in known:
        raise Conflict(N_("There is already a snapshot “%(name)s”."), field="name", name=name)
    if len(known) >= MOST:
        raise Conflict(N_("A machine keeps %(most)s snapshots at most. Delete one first."), most=MOST)
    hypervisor.take_snapshot(host, vm_id, name=name, description=description.strip()[:500])
    noted(db, actor, vm_id, "vm.snapshot_taken", name, now)


def revert_snapshot(
    db: Session, *, actor: Actor, vm_id: UUID, name: str, hypervisor: Hypervisor, now: datetime
) -> None:
    """Go back to a kept state; what came after it is lost. It may run afterwards, so it must be allowed to."""
    check_may_run(usable(db, actor=actor, vm_id=vm_id), now)
    host = opened(db, actor, vm_id)
    require_snapshot(hypervisor, host, vm_id, name)
    hypervisor.revert_snapshot(host, vm_id, name=name)
    power = power_now(hypervisor, host, vm_id)
    note_reverted(noted(db, actor, vm_id, "vm.snapshot_reverted", name, now), power, now)


def power_now(hypervisor: Hypervisor, host: HostAddress, vm_id: UUID) -> Power | None:
    """None when the host does not say: the worker looks again soon."""
    try:
        return hypervisor.machine(host, vm_id).power
    except OutsideUnavailable:
        return None


def note_reverted(vm: Vm, power: Power | None, now: datetime) -> None:
    if power is None:
        return
    vm.switched_at = now
    if power in (Power.RUNNING, Power.PAUSED):
        note_running(vm)
    elif vm.state not in (VmState.STOPPED, VmState.PARKED):
        vm.move_to(VmState.STOPPED)


def delete_snapshot(
    db: Session, *, actor: Actor, vm_id: UUID, name: str, hypervisor: Hypervisor, now: datetime
) -> None:
    host = opened(db, actor, vm_id)
    require_snapshot(hypervisor, host, vm_id, name)
    hypervisor.delete_snapshot(host, vm_id, name=name)
    noted(db, actor, vm_id, "vm.snapshot_deleted", name, now)


def require_snapshot(hypervisor: Hypervisor, host: HostAddress, vm_id: UUID, name: str) -> None:
    if name not in {snapshot.name for snapshot in hypervisor.snapshots(host, vm_id)}:
        raise NotFound(N_("There is no such snapshot."))


def noted(db: Session, actor: Actor, vm_id: UUID, action: str, name: str, now: datetime) -> Vm:
    vm = again(db, vm_id)
    record(db, actor=actor, action=action, subject=subject_of(vm), now=now, details={"snapshot": name})
    return vm
