"""Who may see, use and manage a machine: asked by everything that touches one."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotAllowed, NotFound
from portal.core.lifecycle import VmState
from portal.core.policy import Actor, Permission
from portal.interfaces import HostAddress
from portal.models import Vm, VmUser
from portal.services import workflows


def get(db: Session, *, actor: Actor, vm_id: UUID) -> Vm:
    """A machine that the person may see: of their department, and there own or shared ones. NotFound otherwise."""
    vm = db.get(Vm, vm_id)
    if vm is None or not (actor.may(Permission.SEE_DEPARTMENT, vm.department_id) or may_use(db, actor=actor, vm=vm)):
        raise NotFound(N_("There is no such machine."))
    return vm


def is_own_or_shared(db: Session, actor: Actor, vm: Vm) -> bool:
    return vm.owner_id == actor.account_id or db.get(VmUser, (vm.id, actor.account_id)) is not None


def may_use(db: Session, *, actor: Actor, vm: Vm) -> bool:
    """Power, consoles, snapshots: the owner, who was given it, and who manages the department's machines.

    A machine belongs to its department: who leaves that leaves the machine too, owner or not.
    """
    if actor.may(Permission.MANAGE_MACHINES, vm.department_id):
        return True
    return actor.may(Permission.USE_MACHINE, vm.department_id) and is_own_or_shared(db, actor, vm)


def may_manage(*, actor: Actor, vm: Vm) -> bool:
    """Lease, sharing, handing over, retiring: the owner and who manages the department's machines."""
    if actor.may(Permission.MANAGE_MACHINES, vm.department_id):
        return True
    return actor.may(Permission.USE_MACHINE, vm.department_id) and vm.owner_id == actor.account_id


def usable(db: Session, *, actor: Actor, vm_id: UUID) -> Vm:
    """The machine if the person may use it (consoles ask this too). NotFound, else NotAllowed."""
    vm = get(db, actor=actor, vm_id=vm_id)
    if not may_use(db, actor=actor, vm=vm):
        raise NotAllowed(N_("You may look at this machine, but not use it."))
    return vm


def manageable(db: Session, actor: Actor, vm_id: UUID) -> Vm:
    """A living machine that the person may give away or give back. NotFound, else NotAllowed."""
    vm = get(db, actor=actor, vm_id=vm_id)
    if not may_manage(actor=actor, vm=vm):
        raise NotAllowed(N_("This is somebody else's machine."))
    if vm.state == VmState.RETIRED:
        raise Conflict(N_("This machine was given back."))
    return vm


def address_of(db: Session, vm: Vm) -> HostAddress:
    """Where its host is reached; Conflict unless it is a whole machine that no work is under way on."""
    place = place_of(db, vm)
    if place is None:
        raise Conflict(N_("This machine is not there yet, or no longer."))
    return place


def place_of(db: Session, vm: Vm) -> HostAddress | None:
    """As `address_of`, but None for a machine that never got as far as a host."""
    if vm.state in (VmState.CLONING, VmState.RETIRED):
        raise Conflict(N_("This machine is not there yet, or no longer."))
    check_no_work(db, vm)
    return vm.host.reached_at if vm.host else None


def again(db: Session, vm_id: UUID) -> Vm:
    """The row, locked, as it is now that the host has answered: others may have changed it meanwhile."""
    vm = db.get_one(Vm, vm_id, populate_existing=True, with_for_update={"of": Vm})
    if vm.state == VmState.RETIRED:
        raise Conflict(N_("This machine was given back."))
    return vm


def check_no_work(db: Session, vm: Vm) -> None:
    latest = workflows.latest_of(db, vm.id)
    if latest is not None and latest.state in workflows.LIVE:
        raise Conflict(N_("Work on this machine is under way. Try again when it has ended."))
