"""Ends of leases: notices with signed links, parking at the end, retiring after the grace time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from portal.interfaces import Hypervisor, WorkflowQueue
from portal.models import Vm


class LeaseAction(StrEnum):
    KEEP = "keep"
    PARK = "park"
    HAND_OVER = "hand_over"


@dataclass(frozen=True)
class LeaseLink:
    """What a signed link means. It only leads to a page that asks again: opening it changes nothing."""

    vm_id: UUID
    action: LeaseAction


def lease_link(secret_key: str, *, vm: Vm, action: LeaseAction) -> str:
    """The signed text of the link /leases/<text>; it ends when the lease does, and when the lease is extended."""
    raise NotImplementedError


def read_lease_link(db: Session, secret_key: str, *, text: str, now: datetime) -> LeaseLink:
    """Raises NotFound for a link that was changed, is over, or belongs to an end that has moved."""
    raise NotImplementedError


def send_notices(db: Session, *, now: datetime, secret_key: str, base_url: str, timezone: str = "Europe/Madrid") -> int:
    """Write the mails due 7 days and 1 day before the end, once each."""
    raise NotImplementedError


def park_due(db: Session, *, now: datetime, hypervisor: Hypervisor, base_url: str = "") -> int:
    """Park machines whose lease is over."""
    raise NotImplementedError


def retire_due(db: Session, *, now: datetime, queue: WorkflowQueue) -> int:
    """Queue the retirement of machines parked for longer than the grace time."""
    raise NotImplementedError
