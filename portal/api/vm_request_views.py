"""Rows of requests as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal.api.languages import said, translated
from portal.api.schemas.vm_requests import ProgressOut, VmOfRequestOut, VmRequestOut
from portal.core.lifecycle import VmRequestState
from portal.models import Vm, VmRequest
from portal.services.briefs import Brief, briefs_of, machines_of


def shown(db: Session, vm_request: VmRequest) -> VmRequestOut:
    return shown_all(db, [vm_request])[0]


def shown_all(db: Session, vm_requests: Sequence[VmRequest]) -> list[VmRequestOut]:
    """Three queries, however many requests."""
    ids = [vm_request.id for vm_request in vm_requests]
    machines, briefs = machines_of(db, ids), briefs_of(db, ids)
    return [vm_request_out(one, machines[one.id], briefs.get(one.id)) for one in vm_requests]


def vm_request_out(vm_request: VmRequest, vms: Sequence[Vm], brief: Brief | None) -> VmRequestOut:
    return VmRequestOut(
        id=vm_request.id,
        kind=str(vm_request.kind),
        state=vm_request.state,
        progress=progress_out(brief),
        vms=[vm_of_request_out(vm) for vm in vms],
        error=error_of(vm_request),
        department=vm_request.department.slug,
        submitted_by=vm_request.submitted_by.name,
        submitted_at=vm_request.submitted_at,
        template=vm_request.template_slug,
        size=vm_request.size,
        name=vm_request.name,
        copies=vm_request.copies,
        purpose=vm_request.purpose,
        starts_on=vm_request.starts_on,
        ends_on=vm_request.ends_on,
        decided_by=vm_request.decided_by.name if vm_request.decided_by else None,
        decided_at=vm_request.decided_at,
        comment=vm_request.decision_comment,
    )


def progress_out(brief: Brief | None) -> ProgressOut:
    if brief is None:
        return ProgressOut(done=0, total=0, step="")
    return ProgressOut(done=brief.done, total=brief.total, step=translated(brief.step))


def vm_of_request_out(vm: Vm) -> VmOfRequestOut:
    return VmOfRequestOut(
        id=vm.id, name=vm.name, state=str(vm.state), host=vm.host.name if vm.host else None, address=vm.address
    )


def error_of(vm_request: VmRequest) -> str | None:
    if not vm_request.error or vm_request.state != VmRequestState.FAILED:
        return None
    return said(vm_request.error, vm_request.error_params)
