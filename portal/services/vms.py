"""Machines: find, see, share, hand over, extend, retire. Switching is in power.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, NotAllowed
from portal.core.lease import DEFAULT_TIMEZONE, end_of_day, is_within_policy, local_day
from portal.core.lifecycle import VmRequestState, VmState
from portal.core.policy import Actor, Permission
from portal.core.templates import spec_from_data
from portal.interfaces import WorkflowQueue
from portal.models import Account, AuditEntry, Department, Membership, Vm, VmRequest, VmUser
from portal.models.vm_requests import VmRequestKind
from portal.models.vms import is_living
from portal.services import accounts, audit, notices, workflows
from portal.services.audit import record, subject_of
from portal.services.orders import policy_of
from portal.services.paging import Page, paginate
from portal.services.power import PowerAction, park, power, screenshot
from portal.services.snapshots import delete_snapshot, revert_snapshot, snapshots, take_snapshot
from portal.services.vm_access import check_no_work, get, may_manage, may_use, usable

__all__ = [
    "Extended",
    "PowerAction",
    "add_user",
    "delete_snapshot",
    "extend",
    "get",
    "hand_over",
    "history",
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


def manageable(db: Session, actor: Actor, vm_id: UUID) -> Vm:
    """A living machine that the person may give away or give back. NotFound, else NotAllowed."""
    vm = get(db, actor=actor, vm_id=vm_id)
    if not may_manage(actor=actor, vm=vm):
        raise NotAllowed(N_("This is somebody else's machine."))
    if vm.state == VmState.RETIRED:
        raise Conflict(N_("This machine was given back."))
    return vm


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
    vm = manageable(db, actor, vm_id)
    check_no_work(db, vm)
    today, present_end = local_day(now, timezone), local_day(vm.expires_at, timezone)
    if ends_on <= present_end:
        raise Invalid(N_("The machine is kept until %(day)s anyway."), field="ends_on", day=present_end.isoformat())
    if (ends_on - today).days > 2 * 365:
        raise Invalid(N_("This is more than two years away."), field="ends_on")
    if ends_on < today:
        raise Invalid(N_("The last day is already over."), field="ends_on")
    policy = policy_of(spec_from_data(vm.template_version.spec), today)
    created_on = local_day(vm.created_at, timezone)
    if not is_within_policy(created_on=created_on, today=today, ends_on=ends_on, policy=policy):
        return ask_extension(db, actor=actor, vm=vm, ends_on=ends_on, reason=reason, now=now, base_url=base_url)
    vm.expires_at, vm.retire_at = end_of_day(ends_on, timezone), None
    details = {"from": present_end.isoformat(), "to": ends_on.isoformat()}
    record(db, actor=actor, action="vm.extended", subject=subject_of(vm), now=now, reason=reason, details=details)
    return Extended(vm, ends_on)


def ask_extension(
    db: Session, *, actor: Actor, vm: Vm, ends_on: date, reason: str, now: datetime, base_url: str
) -> VmRequest:
    """Beyond policy somebody else decides. The machine keeps its capacity, so nothing is claimed."""
    if not 3 <= len(reason.strip()) <= 2000:
        raise Invalid(N_("So long a time needs a decision: please say why you need it."), field="reason")
    waiting = select(VmRequest).where(VmRequest.vm_id == vm.id, VmRequest.state == VmRequestState.SUBMITTED)
    if db.scalar(waiting.limit(1)) is not None:
        raise Conflict(N_("A longer time for this machine was asked for already."))
    vm_request = VmRequest(
        kind=VmRequestKind.EXTENSION,
        vm_id=vm.id,
        department_id=vm.department_id,
        submitted_by_id=actor.account_id,
        submitted_at=now,
        template_slug=vm.template_version.template_slug,
        size="",
        name=vm.name[:40],
        copies=1,
        vcpus=vm.vcpus,
        memory_mib=vm.memory_mib,
        disk_gib=vm.disk_gib,
        purpose=reason.strip(),
        ends_on=ends_on,
        wanted={"ends_on": ends_on.isoformat()},
    )
    db.add(vm_request)
    db.flush()
    details = {"vm_id": str(vm.id), "ends_on": ends_on.isoformat()}
    record(
        db, actor=actor, action="vm.extension_asked", subject=subject_of(vm_request), now=now, reason=reason,
        details=details,
    )  # fmt: skip
    approvers = accounts.approvers_of(db, vm.department_id, but=actor.account_id)
    notices.tell_submitted(db, vm_request=vm_request, approvers=approvers, now=now, base_url=base_url)
    return vm_request


def colleague(db: Session, vm: Vm, account_id: UUID) -> Account:
    """An active person of the machine's department."""
    member = select(Membership.id).where(
        Membership.account_id == account_id, Membership.department_id == vm.department_id
    )
    account = db.get(Account, account_id)
    if account is None or not account.active or db.scalar(member.limit(1)) is None:
        raise Invalid(N_("Please choose somebody of the machine's department."), field="account_id")
    return account


def hand_over(db: Session, *, actor: Actor, vm_id: UUID, to_account_id: UUID, now: datetime) -> Vm:
    """Give the machine to a colleague of its department."""
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


def retire(db: Session, *, actor: Actor | None, vm_id: UUID, queue: WorkflowQueue, now: datetime) -> Vm:
    """Queue the removal of machine, disk, snapshots and address. The row stays as a record.

    `actor` is None for the end of the grace time.
    """
    vm = db.get_one(Vm, vm_id) if actor is None else manageable(db, actor, vm_id)
    if vm.state == VmState.CLONING:
        raise Conflict(N_("The machine is still being made. Cancel its request instead."))
    workflow = workflows.begin(db, kind="retire", subject_id=vm.id, queue=queue, now=now)
    details = {"workflow": workflow.id}
    record(db, actor=actor, action="vm.retire_asked", subject=subject_of(vm), now=now, details=details)
    return vm


def history(db: Session, *, actor: Actor, vm_id: UUID) -> list[AuditEntry]:
    """What happened to the machine and to the request it came from, newest first."""
    vm = get(db, actor=actor, vm_id=vm_id)
    return audit.history_of(db, vm.id, vm.vm_request_id)
