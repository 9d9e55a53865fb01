"""Decisions: what an approver sees, and approving or denying, once and never one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.flags import Flag
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.policy import Actor
from portal.core.quota import Amount
from portal.interfaces import WorkflowQueue
from portal.models import VmRequest
from portal.services.capacity import Capacity
from portal.services.paging import Page


@dataclass(frozen=True)
class DecisionCard:
    """The facts beside the button. `quota_after` is what the department has left when this is approved.

    The request's own capacity is held since it was submitted: `capacity` counts it as claimed already, and `fits`
    says whether everything claimed still leaves one host in reserve. `why_not` is a msgid without places.
    """

    vm_request: VmRequest
    takes: Amount
    quota_after: Amount
    quota_limit: Amount
    capacity: Capacity
    fits: bool
    flags: tuple[Flag, ...]
    may_decide: bool
    why_not: str


def card(
    db: Session,
    *,
    actor: Actor,
    vm_request: VmRequest,
    now: datetime,
    timezone: str = DEFAULT_TIMEZONE,
    reserve_hosts: int = 1,
) -> DecisionCard:
    raise NotImplementedError


def waiting(db: Session, *, actor: Actor, page: int = 1, per_page: int = 50) -> Page[VmRequest]:
    """Undecided requests of the departments the person decides for, the oldest first; own ones are shown too."""
    raise NotImplementedError


def approve(
    db: Session,
    *,
    actor: Actor,
    vm_request_id: UUID,
    queue: WorkflowQueue,
    now: datetime,
    size: str | None = None,
    copies: int | None = None,
    ends_on: date | None = None,
    comment: str = "",
    timezone: str = DEFAULT_TIMEZONE,
    reserve_hosts: int = 1,
    base_url: str = "",
) -> VmRequest:
    """Approve, with less if wished, and queue the work in one transaction: never one without the other.

    Raises OwnRequest, AlreadyDecided (by whom and when), NoCapacity, OverQuota, Invalid beside size/copies/ends_on.
    """
    raise NotImplementedError


def deny(
    db: Session, *, actor: Actor, vm_request_id: UUID, reason: str, now: datetime, base_url: str = ""
) -> VmRequest:
    """Deny with a reason, which the requester reads. What was claimed is free again."""
    raise NotImplementedError
