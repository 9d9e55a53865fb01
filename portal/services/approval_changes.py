"""What an approval may change of an order, and whether there is room for it now."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, NoCapacity, OverQuota
from portal.core.naming import vm_names
from portal.core.quota import Amount
from portal.core.templates import Quantities, Range, spec_to_data
from portal.models import VmRequest
from portal.models.vm_requests import VmRequestKind
from portal.services import capacity, claims, quotas
from portal.services.capacity import Capacity
from portal.services.orders import DECIDED, newest_version, one_of, spec_of, taken_name


def shorten(vm_request: VmRequest, ends_on: date | None, today: date) -> None:
    last = ends_on or vm_request.ends_on
    if last > vm_request.ends_on:
        raise Invalid(N_("An approval may shorten the time, not lengthen it."), field="ends_on")
    if last < max(today, vm_request.starts_on or today):
        raise Invalid(N_("The last day is already over."), field="ends_on")
    vm_request.ends_on = last


def take_less(db: Session, vm_request: VmRequest, *, size: str | None, copies: int | None) -> None:
    """Fewer copies, or a size of the template no larger than what was asked: never more of anything."""
    if copies is not None:
        if not 1 <= copies <= vm_request.copies:
            raise Invalid(N_("An approval may take copies away, not add any."), field="copies")
        vm_request.copies = copies
    if size is None or size == vm_request.size:
        return
    spec = spec_of(db, vm_request.template_slug)
    chosen = spec.size(size) if spec else None
    if chosen is None:
        raise Invalid(N_("Please choose one of the sizes."), field="size")
    one = one_of(chosen)
    if not one.fits(Amount(1, vm_request.vcpus, vm_request.memory_mib, vm_request.disk_gib)):
        raise Invalid(N_("An approval may choose a smaller size, not a larger one."), field="size")
    vm_request.size = size
    vm_request.vcpus, vm_request.memory_mib, vm_request.disk_gib = one.vcpus, one.memory_mib, one.disk_gib


def check_names(db: Session, vm_request: VmRequest) -> None:
    """Fewer copies have other names, and two orders may have been written in the same moment."""
    names = set(vm_names(vm_request.name, vm_request.copies))
    taken = taken_name(db, names, states=DECIDED, but=vm_request.id)
    if taken is not None:
        raise Conflict(N_("There is already a machine or an order called “%(name)s”."), name=taken)


def move_quantities(db: Session, vm_request: VmRequest, quantities: Quantities) -> None:
    """Each quantity of one machine may be moved between the limits of its size, which the template sets."""
    spec = spec_of(db, vm_request.template_slug)
    size = spec.size(vm_request.size) if spec else None
    for name, value in asdict(quantities).items():
        if value is None:
            continue
        if size is None:
            raise Invalid(N_("The template no longer says what may be changed."), field=name)
        limits: Range = getattr(size, name)
        if not limits.contains(value):
            raise Invalid(
                N_("For this size it may be between %(least)s and %(most)s."),
                field=name,
                least=limits.minimum,
                most=limits.maximum,
            )
        setattr(vm_request, name, value)


def check_room(db: Session, vm_request: VmRequest, *, now: datetime, reserve_hosts: int) -> None:
    """Hold what is now asked, and raise unless it fits in quota and cluster."""
    department = quotas.lock_department(db, vm_request.department_id)
    capacity.lock_hosts(db)
    db.flush()
    claims.hold(db, vm_request, now)
    if not Amount().fits(quotas.quota_of(db, department).left):
        raise OverQuota(N_("The quota of %(department)s does not suffice any more."), department=department.name)
    measures = missing(db, vm_request, capacity.cluster(db, reserve_hosts=reserve_hosts, now=now))
    if measures:
        raise NoCapacity(
            N_(
                "The cluster cannot take this and still lose a host: "
                "%(vcpus)s processors, %(memory_gib)s GB of memory and %(disk_gib)s GB of disk are missing."
            ),
            vcpus=measures.vcpus,
            memory_gib=round(measures.memory_mib / 1024, 1),
            disk_gib=measures.disk_gib,
        )


def missing(db: Session, vm_request: VmRequest, cluster: Capacity) -> Amount | None:
    """What the cluster lacks for this request; None if nothing. Other undecided requests do not stand in its way."""
    if vm_request.kind == VmRequestKind.EXTENSION:
        return None
    room = cluster.free_with_reserve + quotas.undecided(db, but=vm_request.id)
    if min(room.vcpus, room.memory_mib, room.disk_gib) >= 0:
        return None
    return Amount(0, max(-room.vcpus, 0), max(-room.memory_mib, 0), max(-room.disk_gib, 0))


def fix_version(db: Session, vm_request: VmRequest) -> None:
    """From now on the request means this disk, and the template as the approver sees it, whatever changes later."""
    version = newest_version(db, vm_request.template_slug)
    if version is None:
        raise Conflict(N_("The disk of this template is not ready yet. The administrators know."))
    vm_request.template_version_id = version.id
    spec = spec_of(db, vm_request.template_slug)
    if spec is not None:
        vm_request.spec = spec_to_data(spec)
