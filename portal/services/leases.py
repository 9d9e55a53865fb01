"""Ends of leases: notices with signed links, parking at the end, retiring after the grace time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import structlog
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, NotFound, OutsideUnavailable, PortalError
from portal.core.lease import DEFAULT_TIMEZONE, NOTICES, notice_due, retire_at
from portal.core.lifecycle import VmState
from portal.interfaces import Hypervisor, WorkflowQueue
from portal.models import LeaseNotice, Vm
from portal.services import notices, parking, vms, workflows
from portal.services.audit import record, subject_of

log = structlog.get_logger()

AT_ONCE = 50
TRIED_AGAIN_AFTER = timedelta(hours=1)
LIVING_STATES = (VmState.RUNNING, VmState.STOPPED, VmState.PARKED, VmState.ERROR)


class LeaseAction(StrEnum):
    KEEP = "keep"
    PARK = "park"
    HAND_OVER = "hand_over"


CHOICES = (
    (LeaseAction.KEEP, N_("I still need it: keep it longer")),
    (LeaseAction.PARK, N_("I do not need it now: switch it off and keep the disk")),
    (LeaseAction.HAND_OVER, N_("Somebody else needs it: hand it over")),
)


@dataclass(frozen=True)
class LeaseLink:
    """What a signed link means. It only leads to a page that asks again: opening it changes nothing."""

    vm_id: UUID
    action: LeaseAction


def signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="vivero lease link")


def lease_link(secret_key: str, *, vm: Vm, action: LeaseAction) -> str:
    """The signed text of the link /leases/<text>; it ends when the lease is extended or the machine is gone."""
    return str(signer(secret_key).dumps([str(vm.id), str(action), int(vm.expires_at.timestamp())]))


def read_lease_link(db: Session, secret_key: str, *, text: str, now: datetime) -> LeaseLink:
    """Raises NotFound for a link that was changed, whose lease was extended, or whose machine is gone.

    The page that it leads to still asks who is there, and the service that is called asks what they may.
    """
    try:
        vm_id, action, expires_at = signer(secret_key).loads(text[:1000])
        link = LeaseLink(UUID(vm_id), LeaseAction(action))
    except (BadData, ValueError, TypeError) as error:
        raise NotFound(N_("This link is not valid.")) from error
    vm = db.get(Vm, link.vm_id)
    if vm is None or vm.state == VmState.RETIRED or int(vm.expires_at.timestamp()) != expires_at or is_past(vm, now):
        raise NotFound(N_("This link is no longer valid: the machine's time has changed, or it was given back."))
    return link


def is_past(vm: Vm, now: datetime) -> bool:
    """After the grace time the disk may go at any moment."""
    return now > retire_at(vm.expires_at)


def send_notices(
    db: Session, *, now: datetime, secret_key: str, base_url: str, timezone: str = DEFAULT_TIMEZONE, most: int = AT_ONCE
) -> int:
    """Write the mails due 7 days and 1 day before the end, once each."""
    ending = select(Vm).where(
        Vm.expires_at > now,
        Vm.expires_at <= now + max(before for _, before in NOTICES),
        Vm.retire_at.is_(None),  # else it is being given back already
        Vm.state.in_(LIVING_STATES),
    )
    written = 0
    for vm in db.scalars(ending.order_by(Vm.expires_at)).unique():
        kind = notice_due(vm.expires_at, now)
        if kind is None or db.get(LeaseNotice, (vm.id, kind, vm.expires_at)) is not None:
            continue
        db.add(LeaseNotice(vm_id=vm.id, kind=kind, expires_at=vm.expires_at, sent_at=now))
        choices = [(label, lease_link(secret_key, vm=vm, action=action)) for action, label in CHOICES]
        notices.tell_lease_end(db, vm=vm, choices=choices, now=now, base_url=base_url, timezone=timezone)
        written += 1
        if written >= most:
            break
    db.flush()
    return written


def park_due(
    db: Session,
    *,
    now: datetime,
    hypervisor: Hypervisor,
    base_url: str = "",
    timezone: str = DEFAULT_TIMEZONE,
) -> int:
    """Ask machines whose lease is over to stop, and park those that did; how many were parked.

    Nobody waits for a guest: each round asks, looks, and comes back. Each machine is a transaction of its own; one
    that refuses is tried next time, and a host that does not answer is asked once a round.
    """
    parked, silent = 0, set[UUID | None]()
    for vm_id, host_id in to_park(db, now):
        if host_id in silent:
            continue
        try:
            parked += park_one(db, vm_id, now=now, hypervisor=hypervisor, base_url=base_url, timezone=timezone)
            db.commit()
        except PortalError as error:
            db.rollback()
            if isinstance(error, OutsideUnavailable):
                silent.add(host_id)
            log.warning("machine not parked", vm=str(vm_id), reason=str(error))
    return parked


def to_park(db: Session, now: datetime) -> list[tuple[UUID, UUID | None]]:
    """Machines at the end of their lease and machines that are being shut down, with their hosts."""
    ended = and_(Vm.expires_at <= now, Vm.retire_at.is_(None))
    query = select(Vm.id, Vm.host_id).where(or_(ended, Vm.parking_since.is_not(None)), Vm.state.in_(LIVING_STATES))
    return [(vm_id, host_id) for vm_id, host_id in db.execute(query.order_by(Vm.expires_at))]


def park_one(db: Session, vm_id: UUID, *, now: datetime, hypervisor: Hypervisor, base_url: str, timezone: str) -> bool:
    """Whether it is parked now. At the end of a lease its grace time begins with that."""
    vm = parking.fresh(db, vm_id)
    if vm.parking_since is None:
        vm = parking.park(db, actor=None, vm_id=vm_id, hypervisor=hypervisor, now=now)
    else:
        vm = parking.look_after(db, vm_id=vm_id, hypervisor=hypervisor, now=now)
    if vm.state != VmState.PARKED or vm.parking_since is not None:
        return False
    if vm.expires_at <= now and vm.retire_at is None:
        begin_grace(db, vm, now=now, base_url=base_url, timezone=timezone)
    return True


def begin_grace(db: Session, vm: Vm, *, now: datetime, base_url: str, timezone: str) -> None:
    """The lease is over and the machine off: its disk is kept for a while, and its owner told so."""
    vm.retire_at = retire_at(now)
    notices.tell_parked(db, vm=vm, now=now, base_url=base_url, timezone=timezone)
    details = {"retire_at": vm.retire_at.isoformat()}
    record(db, actor=None, action="vm.lease_ended", subject=subject_of(vm), now=now, details=details)


def retire_due(db: Session, *, now: datetime, queue: WorkflowQueue, most: int = AT_ONCE) -> int:
    """Queue the retirement of machines whose grace time is over, in whatever state they are; at most so many at once.

    One that failed is tried again after a while, until it has succeeded.
    """
    over = select(Vm.id).where(Vm.retire_at <= now, Vm.state.in_(LIVING_STATES))
    retired = 0
    for vm_id in list(db.scalars(over.order_by(Vm.retire_at))):
        if retired >= most:
            break
        if failed_lately(db, vm_id, now):
            continue
        try:
            with db.begin_nested():
                vms.retire(db, actor=None, vm_id=vm_id, queue=queue, now=now)
            retired += 1
        except Conflict as error:  # its retirement is under way already, or more time was asked for
            log.info("machine not retired", vm=str(vm_id), reason=str(error))
    return retired


def failed_lately(db: Session, vm_id: UUID, now: datetime) -> bool:
    latest = workflows.latest_of(db, vm_id)
    return latest is not None and latest.ended_at is not None and latest.ended_at + TRIED_AGAIN_AFTER > now
