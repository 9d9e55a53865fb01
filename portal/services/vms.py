"""Machines: find, switch, look at, snapshot, share, hand over, extend, park, retire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from time import sleep
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.lifecycle import VmState
from portal.core.policy import Actor
from portal.interfaces import Hypervisor, Screenshot, Snapshot, WorkflowQueue
from portal.models import AuditEntry, Vm, VmRequest, VmUser
from portal.services.paging import Page


class PowerAction(StrEnum):
    START = "start"
    SHUT_DOWN = "shut_down"
    POWER_OFF = "power_off"
    REBOOT = "reboot"


@dataclass(frozen=True)
class Extended:
    """The lease was extended at once, within policy."""

    vm: Vm
    ends_on: date


def search(
    db: Session,
    *,
    actor: Actor,
    text: str | None = None,
    state: VmState | None = None,
    department: str | None = None,
    page: int = 1,
    per_page: int = 50,
    mine: bool = False,
    retired: bool = False,
) -> Page[Vm]:
    """Newest first; retired machines only when asked for (`state` or `retired`). `department` is a slug."""
    raise NotImplementedError


def get(db: Session, *, actor: Actor, vm_id: UUID) -> Vm:
    """A machine that the person may see. NotFound otherwise."""
    raise NotImplementedError


def may_use(db: Session, *, actor: Actor, vm: Vm) -> bool:
    """Power, consoles, snapshots: the owner, who was given it, and who manages the department's machines."""
    raise NotImplementedError


def may_manage(*, actor: Actor, vm: Vm) -> bool:
    """Lease, sharing, handing over, retiring: the owner and who manages the department's machines."""
    raise NotImplementedError


def usable(db: Session, *, actor: Actor, vm_id: UUID) -> Vm:
    """The machine if the person may use it (consoles ask this too). NotFound, else NotAllowed."""
    raise NotImplementedError


def power(db: Session, *, actor: Actor, vm_id: UUID, action: PowerAction, hypervisor: Hypervisor, now: datetime) -> Vm:
    """Switch. The transaction is ended while the host works (services/transactions.py)."""
    raise NotImplementedError


def screenshot(db: Session, *, actor: Actor, vm_id: UUID, hypervisor: Hypervisor) -> Screenshot:
    raise NotImplementedError


def snapshots(db: Session, *, actor: Actor, vm_id: UUID, hypervisor: Hypervisor) -> list[Snapshot]:
    raise NotImplementedError


def take_snapshot(
    db: Session, *, actor: Actor, vm_id: UUID, name: str, description: str, hypervisor: Hypervisor, now: datetime
) -> None:
    raise NotImplementedError


def revert_snapshot(
    db: Session, *, actor: Actor, vm_id: UUID, name: str, hypervisor: Hypervisor, now: datetime
) -> None:
    raise NotImplementedError


def delete_snapshot(
    db: Session, *, actor: Actor, vm_id: UUID, name: str, hypervisor: Hypervisor, now: datetime
) -> None:
    raise NotImplementedError


def extend(
    db: Session,
    *,
    actor: Actor,
    vm_id: UUID,
    ends_on: date,
    now: datetime,
    reason: str = "",
    timezone: str = DEFAULT_TIMEZONE,
    base_url: str = "",
) -> Extended | VmRequest:
    """Within policy at once; beyond it a request (which needs a reason) goes to the approvers."""
    raise NotImplementedError


def hand_over(db: Session, *, actor: Actor, vm_id: UUID, to_account_id: UUID, now: datetime) -> Vm:
    """Give the machine to a colleague of its department."""
    raise NotImplementedError


def users(db: Session, *, actor: Actor, vm_id: UUID) -> list[VmUser]:
    raise NotImplementedError


def add_user(db: Session, *, actor: Actor, vm_id: UUID, account_id: UUID, now: datetime) -> Vm:
    raise NotImplementedError


def remove_user(db: Session, *, actor: Actor, vm_id: UUID, account_id: UUID, now: datetime) -> Vm:
    raise NotImplementedError


def park(
    db: Session,
    *,
    actor: Actor | None,
    vm_id: UUID,
    hypervisor: Hypervisor,
    now: datetime,
    patience_s: int = 15,
    wait: Callable[[float], None] = sleep,
) -> Vm:
    """Off, disk kept, until it is started again or retired. Asks the guest first, then switches it off."""
    raise NotImplementedError


def retire(db: Session, *, actor: Actor | None, vm_id: UUID, queue: WorkflowQueue, now: datetime) -> Vm:
    """Queue the removal of machine, disk, snapshots and address. The row stays as a record."""
    raise NotImplementedError


def history(db: Session, *, actor: Actor, vm_id: UUID) -> list[AuditEntry]:
    raise NotImplementedError
