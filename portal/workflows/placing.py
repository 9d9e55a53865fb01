"""Chooses hosts for the copies of a request and makes their rows, each with its name and address."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.core.addresses import next_addresses
from portal.core.errors import N_, Conflict
from portal.core.lease import end_of_day
from portal.core.lifecycle import HostState, VmState
from portal.core.naming import mac_for, vm_id_for, vm_names
from portal.core.templates import NetworkClass
from portal.models import Host, TemplateVersion, Vm, VmRequest
from portal.services import claims
from portal.services.orders import decided_spec
from portal.workflows.sequence import Context, vms_of

ATTEMPTS = 5  # of giving addresses, when others do so at the same time
MAC_ATTEMPTS = 20


def place(ctx: Context) -> None:
    """Choose hosts and make the machines' rows, each with its name and address."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with ctx.write() as db:
                place_machines(db, ctx)
        except IntegrityError:  # another request took the same address in this moment
            if attempt == ATTEMPTS:
                raise
        else:
            return


def place_machines(db: Session, ctx: Context) -> None:
    vm_request = db.get_one(VmRequest, ctx.subject_id)
    version = db.get_one(TemplateVersion, vm_request.template_version_id)
    known = {vm.id: vm for vm in vms_of(db, vm_request.id)}
    leave_lost_hosts(db, known.values())
    hosts = claims.place(db, vm_request, ctx.site.clock(), reserve_hosts=ctx.site.settings.reserve_hosts)
    for vm in known.values():
        if vm.host_id is None and vm.id in hosts:
            vm.host_id = hosts[vm.id].id
    names = vm_names(vm_request.name, vm_request.copies)
    missing = [position for position in range(len(names)) if vm_id_for(vm_request.id, position) not in known]
    if not missing:
        return
    check_names(db, [names[position] for position in missing])
    network = decided_spec(vm_request, version).network
    addresses = addresses_for(db, ctx, network, len(missing))
    for position, address in zip(missing, addresses, strict=True):
        vm_id = vm_id_for(vm_request.id, position)
        db.add(new_vm(ctx, vm_request, position, names[position], hosts[vm_id], version, address, free_mac(db, vm_id)))
        db.flush()


def leave_lost_hosts(db: Session, vms: Iterable[Vm]) -> None:
    """Copies that never served are made on another host when theirs is lost.

    Only then: a host that does not answer may well run the guest still, and two guests on one disk destroy it. That it
    does not is what an administrator says who declares it lost.
    """
    for vm in vms:
        lost = vm.host is not None and vm.host.state == HostState.LOST
        if lost and vm.state in (VmState.CLONING, VmState.ERROR):
            vm.host_id = None
            claims.leave_host(db, vm.id)


def check_names(db: Session, names: list[str]) -> None:
    taken = db.scalars(select(Vm.name).where(Vm.name.in_(names), Vm.state != VmState.RETIRED)).first()
    if taken is not None:
        raise Conflict(
            N_("There is already a machine called “%(name)s”. Roll this back and order under another name."), name=taken
        )


def addresses_for(db: Session, ctx: Context, network: NetworkClass, count: int) -> list[str | None]:
    """Machines outside the department network have no address that the portal gives."""
    if network != NetworkClass.DEPARTMENT:
        return [None] * count
    settings = ctx.site.settings
    taken = set(db.scalars(select(Vm.address).where(Vm.address.is_not(None), Vm.state != VmState.RETIRED)))
    newest = select(Vm.address).where(Vm.address.is_not(None)).order_by(Vm.created_at.desc(), Vm.position.desc())
    return list(
        next_addresses(
            settings.department_network,
            gateway=settings.department_gateway,
            taken={address for address in taken if address},
            after=db.scalars(newest.limit(1)).first(),
            count=count,
        )
    )


def free_mac(db: Session, vm_id: UUID) -> str:
    """The machine's own hardware address, or its next one while a living machine has that."""
    for attempt in range(MAC_ATTEMPTS):
        mac = mac_for(vm_id, attempt)
        if db.scalar(select(Vm.id).where(Vm.mac == mac, Vm.state != VmState.RETIRED)) is None:
            return mac
    raise Conflict(N_("There is no free hardware address for this machine. Please tell an administrator."))


def new_vm(
    ctx: Context,
    vm_request: VmRequest,
    position: int,
    name: str,
    host: Host,
    version: TemplateVersion,
    address: str | None,
    mac: str,
) -> Vm:
    vm_id = vm_id_for(vm_request.id, position)
    return Vm(
        id=vm_id,
        vm_request_id=vm_request.id,
        position=position,
        name=name,
        department_id=vm_request.department_id,
        owner_id=vm_request.submitted_by_id,
        template_version_id=version.id,
        vcpus=vm_request.vcpus,
        memory_mib=vm_request.memory_mib,
        disk_gib=vm_request.disk_gib,
        network=decided_spec(vm_request, version).network.value,
        mac=mac,
        created_at=ctx.site.clock(),
        expires_at=end_of_day(vm_request.ends_on, ctx.site.settings.timezone),
        address=address,
        host_id=host.id,
        fencing=ctx.fencing,
    )


def unplace(ctx: Context) -> None:
    """The rows stay as a record; names, addresses and claims are free again."""
    with ctx.write() as db:
        vms = vms_of(db, ctx.subject_id)
        for vm in vms:
            if vm.state != VmState.RETIRED:
                vm.move_to(VmState.RETIRED, reason=N_("It was never handed over."))
                vm.retired_at = ctx.site.clock()
        claims.release(db, [vm.id for vm in vms])
