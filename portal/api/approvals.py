"""/vm-requests/<id>/approve and /deny: decisions, once, and never on one's own request."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint

from portal.api.auth import permission
from portal.api.context import actor, now, site, writing
from portal.api.schemas.approvals import ApproveIn, DenyIn
from portal.api.schemas.vm_requests import VmRequestOut
from portal.api.vm_request_views import shown
from portal.core.policy import Permission
from portal.core.templates import Quantities
from portal.services import approvals

bp = APIBlueprint("approvals", __name__, url_prefix="/vm-requests", tag="Approvals")


@bp.post("/<uuid:vm_request_id>/approve")
@bp.input(ApproveIn, arg_name="wish")
@bp.output(VmRequestOut)
@bp.doc(summary="Approve, with less if wished", operation_id="approve_vm_request")
@permission(Permission.APPROVE)
def approve(vm_request_id: UUID, wish: ApproveIn) -> VmRequestOut:
    """Queues the work in the same transaction."""
    settings = site().settings
    with writing() as db:
        vm_request = approvals.approve(
            db,
            actor=actor(),
            vm_request_id=vm_request_id,
            queue=site().queue,
            now=now(),
            size=wish.size,
            copies=wish.copies,
            quantities=Quantities(wish.vcpus, wish.memory_mib, wish.disk_gib),
            ends_on=wish.ends_on,
            comment=wish.comment,
            timezone=settings.timezone,
            reserve_hosts=settings.reserve_hosts,
            base_url=settings.base_url,
        )
        return shown(db, vm_request)


@bp.post("/<uuid:vm_request_id>/deny")
@bp.input(DenyIn, arg_name="answer")
@bp.output(VmRequestOut)
@bp.doc(summary="Deny, with a reason", operation_id="deny_vm_request")
@permission(Permission.APPROVE)
def deny(vm_request_id: UUID, answer: DenyIn) -> VmRequestOut:
    with writing() as db:
        vm_request = approvals.deny(
            db,
            actor=actor(),
            vm_request_id=vm_request_id,
            reason=answer.reason,
            now=now(),
            base_url=site().settings.base_url,
        )
        return shown(db, vm_request)
