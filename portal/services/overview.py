"""The first page of each person: what waits for me, what runs, what ends soon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from portal.core.lifecycle import VmRequestState, VmState
from portal.core.policy import Actor, Permission
from portal.models import Vm, VmRequest, VmUser
from portal.services.paging import count_some, paginate

Scope = Sequence[ColumnElement[bool]]

FEW = 8
COUNTED = 100
SOON = timedelta(days=14)
WATCHING = (Permission.MANAGE_MACHINES, Permission.APPROVE, Permission.SEE_AUDIT)
OPEN = (VmRequestState.SUBMITTED, VmRequestState.APPROVED, VmRequestState.PROVISIONING)


@dataclass(frozen=True)
class Overview:
    """The tuples hold the first few; the numbers stop at COUNTED."""

    waiting_for_me: int
    waiting: tuple[VmRequest, ...]
    running: int
    ends_soon: tuple[Vm, ...]
    my_open_requests: tuple[VmRequest, ...]
    failed: tuple[VmRequest, ...]


def overview(db: Session, *, actor: Actor, now: datetime) -> Overview:
    """`running` counts what the person looks after: own and shared machines, and those of departments they watch."""
    to_decide = decidable(actor)
    own = VmRequest.submitted_by_id == actor.account_id
    running: Scope = [Vm.state == VmState.RUNNING]
    ends: Scope = [Vm.expires_at <= now + SOON, Vm.state.in_([VmState.RUNNING, VmState.STOPPED])]
    return Overview(
        waiting_for_me=counted(db, select(VmRequest.id).where(*to_decide)),
        waiting=few(db, select(VmRequest).where(*to_decide).order_by(VmRequest.submitted_at)),
        running=count_some(db, Vm, scopes=looked_after(actor, running), order=Vm.created_at, bound=COUNTED),
        ends_soon=paginate(
            db, Vm, scopes=looked_after(actor, ends), order=Vm.expires_at, per_page=FEW, newest_first=False
        ).items,
        my_open_requests=few(
            db, select(VmRequest).where(own, VmRequest.state.in_(OPEN)).order_by(VmRequest.submitted_at.desc())
        ),
        failed=few(db, select(VmRequest).where(*failures(actor)).order_by(VmRequest.submitted_at.desc())),
    )


def decidable(actor: Actor) -> Sequence[ColumnElement[bool]]:
    """Undecided requests of others, where the person decides."""
    departments = actor.departments_for(Permission.APPROVE)
    conditions = [VmRequest.state == VmRequestState.SUBMITTED, VmRequest.submitted_by_id != actor.account_id]
    if departments is not None:
        conditions.append(VmRequest.department_id.in_(departments))
    return conditions


def watched(actor: Actor) -> frozenset[UUID] | None:
    """Departments for whose machines the person has to answer: who manages, who approves, who audits. None: all."""
    found = [actor.departments_for(permission) for permission in WATCHING]
    return None if None in found else frozenset().union(*(one for one in found if one is not None))


def looked_after(actor: Actor, conditions: Scope) -> list[Scope]:
    """One scope an index: the departments that the person watches, own machines, shared ones."""
    departments = watched(actor)
    if departments is None:
        return [conditions]
    shared = select(VmUser.vm_id).where(VmUser.account_id == actor.account_id)
    return [
        *([*conditions, Vm.department_id == one] for one in sorted(departments)),
        [*conditions, Vm.owner_id == actor.account_id],
        [*conditions, Vm.id.in_(shared)],
    ]


def failures(actor: Actor) -> Sequence[ColumnElement[bool]]:
    """Own failed requests, and those of departments that the person watches."""
    departments = watched(actor)
    failed = VmRequest.state == VmRequestState.FAILED
    if departments is None:
        return [failed]
    return [failed, or_(VmRequest.submitted_by_id == actor.account_id, VmRequest.department_id.in_(departments))]


def counted(db: Session, query: Select[Any]) -> int:
    return db.scalar(select(func.count()).select_from(query.limit(COUNTED).subquery())) or 0


def few(db: Session, query: Select[Any]) -> tuple[Any, ...]:
    return tuple(db.scalars(query.limit(FEW)).unique())
