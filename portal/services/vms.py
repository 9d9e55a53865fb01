"""Machines: find, see, share, hand over, retire. What is about their power and their time has files of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, NotAllowed
from portal.core.lifecycle import VmState
from portal.core.policy import Actor, Permission
from portal.interfaces import WorkflowQueue
from portal.models import Account, AuditEntry, Department, Membership, Vm, VmUser
from portal.models.vms import is_living
from portal.services import accounts, audit, notices, workflows
from portal.services.audit import record, subject_of
from portal.services.extensions import Extended, close_waiting, extend, last_day_at_once, waiting_for
from portal.services.following import STANDS_STILL, is_changing, look
from portal.services.paging import Page, paginate
from portal.services.parking import park
from portal.services.power import PowerAction, power, screenshot
from portal.services.snapshots import delete_snapshot, revert_snapshot, snapshots, take_snapshot
from portal.services.vm_access import again, get, manageable, may_manage, may_use, usable

__all__ = [
    "STANDS_STILL",
    "Extended",
    "PowerAction",
    "add_user",
    "delete_snapshot",
    "extend",
    "get",
    "hand_over",
    "history",
    "is_changing",
    "last_day_at_once",
    "look",
    "manageable",
    "may_manage",
    "may_use",
    "park",
    "power",
    "remove_user",
    "retire",
    "revert_snapshot",
    "screenshot",
    "search",
    "snapshots",
    "take_snapshot",
    "usable",
    "users",
    "without_keeper",
]

MOST_USERS = 50


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
    conditions: list[ColumnElement[bool]] = []
    if state:
        conditions.append(Vm.state == state)
    elif not retired:
        conditions.append(is_living())
    if text and text.strip():
        like = f"%{text.strip()[:80]}%"
        conditions.append(or_(Vm.name.ilike(like), Vm.address.ilike(like)))
    scopes = [[*conditions, *scope] for scope in scopes_of(db, actor, department, mine=mine)]
    return paginate(db, Vm, scopes=scopes, order=Vm.created_at, number=page, per_page=per_page)


def scopes_of(
    db: Session, actor: Actor, department: str | None, *, mine: bool
) -> Sequence[Sequence[ColumnElement[bool]]]:
    """One scope an index: departments that the person sees, and own and shared machines where they may use any."""
    shared = select(VmUser.vm_id).where(VmUser.account_id == actor.account_id)
    used = actor.departments_for(Permission.USE_MACHINE)
    there = [] if used is None else [Vm.department_id.in_(sorted(used))]
    own: list[list[ColumnElement[bool]]] = [[Vm.owner_id == actor.account_id, *there], [Vm.id.in_(shared), *there]]
    seen = actor.departments_for(Permission.SEE_DEPARTMENT)
    if department:
        wanted = db.scalar(select(Department.id).where(Department.slug == department))
        if wanted is None:
            return []
        here = Vm.department_id == wanted
        return [[here]] if not mine and (seen is None or wanted in seen) else [[here, *scope] for scope in own]
    if mine:
        return own
    if seen is None:
        return [[]]
    return [*([Vm.department_id == one] for one in sorted(seen)), *own]


def without_keeper(db: Session, *, actor: Actor, account: Account, most: int = 100) -> list[Vm]:
    """Living machines of this person that they may no longer use: somebody should hand them over or give them back."""
    if not actor.may(Permission.MANAGE_ACCOUNTS):
        raise NotAllowed(N_("You may not manage accounts."))
    used = accounts.actor_of(account).departments_for(Permission.USE_MACHINE) if account.active else frozenset()
    if used is None:
        return []
    query = select(Vm).where(Vm.owner_id == account.id, is_living(), Vm.department_id.not_in(sorted(used)))
    return list(db.scalars(query.order_by(Vm.name).limit(most)).unique())


def colleague(db: Session, vm: Vm, account_id: UUID) -> Account:
    """An active person of the machine's department."""
    member = select(Membership.id).where(
        Membership.account_id == account_id, Membership.department_id == vm.department_id
    )
    account = db.get(Account, account_id)
    if account is None or not account.active or db.scalar(member.limit(1)) is None:
        raise Invalid(N_("Please choose somebody of the machine's department."), field="account_id")
    return account


def hand_over(db: Session, *, actor: Actor, vm_id: UUID, to_account_id: UUID, now: datetime, base_url: str = "") -> Vm:
    """Give the machine to a colleague of its department, who gets a mail."""
    vm = manageable(db, actor, vm_id)
    receiver = colleague(db, vm, to_account_id)
    if receiver.id == vm.owner_id:
        raise Conflict(N_("This person owns the machine already."))
    details = {"from": vm.owner.login, "to": receiver.login}
    vm.owner_id = receiver.id
    db.execute(delete(VmUser).where(VmUser.vm_id == vm.id, VmUser.account_id == receiver.id))
    db.flush()
    db.refresh(vm)
    record(db, actor=actor, action="vm.handed_over", subject=subject_of(vm), now=now, details=details)
    notices.tell_handed_over(db, vm=vm, by=actor.name, now=now, base_url=base_url)
    return vm


def users(db: Session, *, actor: Actor, vm_id: UUID) -> list[VmUser]:
    """Who may use the machine beside its owner."""
    vm = get(db, actor=actor, vm_id=vm_id)
    return list(db.scalars(select(VmUser).where(VmUser.vm_id == vm.id).order_by(VmUser.added_at).limit(MOST_USERS)))


def add_user(db: Session, *, actor: Actor, vm_id: UUID, account_id: UUID, now: datetime) -> Vm:
    """Let a colleague use the machine. Doing it again changes nothing."""
    vm = manageable(db, actor, vm_id)
    receiver = colleague(db, vm, account_id)
    if db.get(VmUser, (vm.id, receiver.id)) is not None or receiver.id == vm.owner_id:
        return vm
    if len(users(db, actor=actor, vm_id=vm.id)) >= MOST_USERS:
        raise Conflict(N_("So many people use this machine that nobody can be added."))
    db.add(VmUser(vm_id=vm.id, account_id=receiver.id, added_at=now))
    details = {"user": receiver.login}
    record(db, actor=actor, action="vm.shared", subject=subject_of(vm), now=now, details=details)
    return vm


def remove_user(db: Session, *, actor: Actor, vm_id: UUID, account_id: UUID, now: datetime) -> Vm:
    vm = manageable(db, actor, vm_id)
    user = db.get(VmUser, (vm.id, account_id))
    if user is not None:
        details = {"user": user.account.login}
        db.delete(user)
        record(db, actor=actor, action="vm.unshared", subject=subject_of(vm), now=now, details=details)
    return vm


def retire(
    db: Session, *, actor: Actor | None, vm_id: UUID, queue: WorkflowQueue, now: datetime, base_url: str = ""
) -> Vm:
    """Queue the removal of machine, disk, snapshots and address. The row stays as a record.

    `actor` is None for the end of the grace time. What fails is tried again by the clock (leases.retire_due), until
    it has succeeded or somebody extends the machine.
    """
    if actor is not None:
        manageable(db, actor, vm_id)
        close_waiting(db, vm_id, actor=actor, now=now, base_url=base_url)
    vm = again(db, vm_id)
    if actor is None:
        check_grace_is_over(db, vm, now)
    if vm.state == VmState.CLONING:
        raise Conflict(N_("The machine is still being made. Cancel its request instead."))
    vm.retire_at = min(vm.retire_at or now, now)
    workflow = workflows.begin(db, kind="retire", subject_id=vm.id, queue=queue, now=now, clean_up=True)
    details = {"workflow": workflow.id}
    record(db, actor=actor, action="vm.retire_asked", subject=subject_of(vm), now=now, details=details)
    return vm


def check_grace_is_over(db: Session, vm: Vm, now: datetime) -> None:
    if vm.retire_at is None or vm.retire_at > now:
        raise Conflict(N_("The lease was extended meanwhile."))
    if waiting_for(db, vm.id):
        raise Conflict(N_("More time was asked for, and nobody has decided yet."))


def history(db: Session, *, actor: Actor, vm_id: UUID) -> list[AuditEntry]:
    """What happened to the machine and to the request it came from, newest first."""
    vm = get(db, actor=actor, vm_id=vm_id)
    return audit.history_of(db, vm.id, vm.vm_request_id)
