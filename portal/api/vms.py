"""/vms: machines that run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from portal.api.auth import permission
from portal.api.context import actor, now, reading, site, switching, writing
from portal.api.languages import said
from portal.api.paging import as_asked
from portal.api.schemas.vms import ExtendIn, ExtensionAskedOut, PowerIn, VmOut, VmsOut, VmsQuery
from portal.core.policy import Permission
from portal.models import Vm
from portal.services import vms
from portal.services.vms import Extended

bp = APIBlueprint("vms", __name__, url_prefix="/vms", tag="VMs")


@bp.get("")
@bp.input(VmsQuery, location="query", arg_name="query")
@bp.output(VmsOut)
@bp.doc(summary="Machines, newest first", operation_id="list_vms")
@permission(Permission.SEE_MACHINES)
def index(query: VmsQuery) -> VmsOut:
    """Retired ones only with state=retired."""
    with reading() as db:
        found = vms.search(
            db,
            actor=actor(),
            text=query.text,
            state=query.state,
            department=query.department,
            page=query.page,
            per_page=query.limit,
            mine=query.mine,
        )
        page = as_asked(found, query.page)
        items = [vm_out(vm) for vm in page.items]
    return VmsOut(items=items, page=page.number, pages=page.pages, total=page.total, more=page.more)


@bp.get("/<uuid:vm_id>")
@bp.output(VmOut)
@bp.doc(summary="One machine", operation_id="get_vm")
@permission(Permission.SEE_MACHINES)
def get(vm_id: UUID) -> VmOut:
    with reading() as db:
        return vm_out(vms.get(db, actor=actor(), vm_id=vm_id))


@bp.post("/<uuid:vm_id>/power")
@bp.input(PowerIn, arg_name="wish")
@bp.output(VmOut)
@bp.doc(summary="Start, shut down, power off, reboot", operation_id="switch_vm")
@permission(Permission.USE_MACHINE)
def power(vm_id: UUID, wish: PowerIn) -> VmOut:
    with switching() as db:
        vm = vms.power(db, actor=actor(), vm_id=vm_id, action=wish.action, hypervisor=site().hypervisor, now=now())
        return vm_out(vm)


@bp.post("/<uuid:vm_id>/extend")
@bp.input(ExtendIn, arg_name="wish")
@bp.output(VmOut)
@bp.doc(
    summary="Keep it longer",
    operation_id="extend_vm",
    responses={202: "Beyond policy: it became a request"},
)
@permission(Permission.USE_MACHINE)
def extend(vm_id: UUID, wish: ExtendIn) -> Any:
    """Within policy at once (200); beyond it a request that somebody else decides, which needs a reason (202)."""
    settings = site().settings
    with writing() as db:
        done = vms.extend(
            db,
            actor=actor(),
            vm_id=vm_id,
            ends_on=wish.ends_on,
            reason=wish.reason,
            now=now(),
            timezone=settings.timezone,
            base_url=settings.base_url,
        )
        if isinstance(done, Extended):
            return vm_out(done.vm)
        return ExtensionAskedOut(id=done.id, state=str(done.state)), 202


@bp.delete("/<uuid:vm_id>")
@bp.output(VmOut, status_code=202)
@bp.doc(summary="Give it back", operation_id="retire_vm")
@permission(Permission.USE_MACHINE)
def retire(vm_id: UUID) -> VmOut:
    """Queues the removal of machine, disk, snapshots and address; the state becomes `retired` when it is done."""
    with writing() as db:
        vm = vms.retire(
            db, actor=actor(), vm_id=vm_id, queue=site().queue, now=now(), base_url=site().settings.base_url
        )
        return vm_out(vm)


def vm_out(vm: Vm) -> VmOut:
    return VmOut(
        id=vm.id,
        name=vm.name,
        state=vm.state,
        state_reason=said(vm.state_reason, vm.state_reason_params),
        host=vm.host.name if vm.host else None,
        address=vm.address,
        mac=vm.mac,
        network=vm.network,
        department=vm.department.slug,
        owner=vm.owner.name,
        template=vm.template_version.template_slug,
        template_version=vm.template_version.version,
        vm_request_id=vm.vm_request_id,
        vcpus=vm.vcpus,
        memory_mib=vm.memory_mib,
        disk_gib=vm.disk_gib,
        created_at=vm.created_at,
        expires_at=vm.expires_at,
        retired_at=vm.retired_at,
    )
