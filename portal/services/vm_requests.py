"""What departments ask for: estimate, submit, find, cancel, retry, roll back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.flags import Flag
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.lifecycle import VmRequestState
from portal.core.policy import Actor
from portal.core.quota import Amount
from portal.interfaces import WorkflowQueue
from portal.models import Vm, VmRequest
from portal.services.orders import Order
from portal.services.paging import Page

__all__ = ["Estimate", "Order", "Overview", "cancel", "estimate", "get", "overview", "retry", "roll_back", "search"]


@dataclass(frozen=True)
class Estimate:
    """`over` names the measures beyond the quota (core.quota.MEASURE_NAMES); `left_after` may be negative there."""

    takes: Amount
    left_after: Amount
    limit: Amount
    over: tuple[str, ...]
    approvers: tuple[str, ...]
    flags: tuple[Flag, ...]


@dataclass(frozen=True)
class Overview:
    """What waits for me, what runs, what ends soon. The tuples hold the first few; the numbers stop at 1,000."""

    waiting_for_me: int
    waiting: tuple[VmRequest, ...]
    running: int
    ends_soon: tuple[Vm, ...]
    my_open_requests: tuple[VmRequest, ...]
    failed: tuple[VmRequest, ...]


def estimate(
    db: Session, *, actor: Actor, order: Order, now: datetime, timezone: str = DEFAULT_TIMEZONE
) -> Estimate | None:
    """What an unfinished order would take. None while there is no such template; a wrong size counts as the first."""
    raise NotImplementedError


def submit(
    db: Session,
    *,
    actor: Actor,
    order: Order,
    now: datetime,
    secret_key: str,
    timezone: str = DEFAULT_TIMEZONE,
    reserve_hosts: int = 1,
    base_url: str = "",
) -> VmRequest:
    """Put an order in the queue: claims its capacity, tells the approvers. The same form_key gives the same row.

    `secret_key` (Settings.secret_key) seals secret answers. Raises InvalidOrder with all that is wrong.
    """
    raise NotImplementedError


def get(db: Session, *, actor: Actor, vm_request_id: UUID) -> VmRequest:
    """One request that the person may see: their own, or their department's. NotFound otherwise."""
    raise NotImplementedError


def search(
    db: Session,
    *,
    actor: Actor,
    state: VmRequestState | None = None,
    department: str | None = None,
    text: str | None = None,
    page: int = 1,
    mine: bool = False,
    per_page: int = 50,
) -> Page[VmRequest]:
    """Newest first. `department` is a slug."""
    raise NotImplementedError


def cancel(
    db: Session, *, actor: Actor, vm_request_id: UUID, now: datetime, queue: WorkflowQueue, reason: str = ""
) -> VmRequest:
    """Take an order back: at once before the work began, else the workflow stops at its next step and cleans up."""
    raise NotImplementedError


def retry(db: Session, *, actor: Actor, vm_request_id: UUID, now: datetime, queue: WorkflowQueue) -> VmRequest:
    """Go on with a failed request from the step that failed."""
    raise NotImplementedError


def roll_back(db: Session, *, actor: Actor, vm_request_id: UUID, now: datetime, queue: WorkflowQueue) -> VmRequest:
    """Remove what a failed request left, and close it."""
    raise NotImplementedError


def overview(db: Session, *, actor: Actor, now: datetime) -> Overview:
    raise NotImplementedError
