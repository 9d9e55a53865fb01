"""Requests and machines, as rows: nothing is claimed unless it is said."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count

from sqlalchemy.orm import Session

from portal.core.lifecycle import VmState
from portal.core.naming import mac_for, vm_id_for
from portal.models import Account, Vm, VmRequest
from portal.services import claims
from tests.factories.accounts import make_account, make_department
from tests.factories.cluster import make_template, make_template_version
from tests.factories.moments import NOW

numbers = count(1)


def make_vm_request(
    db: Session, *, by: Account | None = None, department: str = "farmacia", claimed: bool = False, **changes: object
) -> VmRequest:
    """A submitted request for one small wiki; `claimed` holds its capacity as submitting does."""
    make_template(db, str(changes.get("template_slug", "dokuwiki")))
    ordinary = {
        "department_id": make_department(db, department).id,
        "submitted_by_id": (by or make_account(db, department=department)).id,
        "submitted_at": NOW,
        "template_slug": "dokuwiki",
        "size": "small",
        "name": f"wiki-{next(numbers)}",
        "copies": 1,
        "vcpus": 1,
        "memory_mib": 1024,
        "disk_gib": 10,
        "purpose": "A wiki for the ward",
        "ends_on": date(2026, 6, 30),
    }
    vm_request = VmRequest(**{**ordinary, **changes})
    db.add(vm_request)
    db.flush()
    if claimed:
        claims.hold(db, vm_request, NOW)
    return vm_request


def make_vm(
    db: Session,
    *,
    owner: Account | None = None,
    vm_request: VmRequest | None = None,
    position: int = 0,
    **changes: object,
) -> Vm:
    """A running machine of a fulfilled request."""
    department = str(changes.pop("department", "farmacia"))
    owner = owner or make_account(db, department=department)
    vm_request = vm_request or make_vm_request(db, by=owner, department=department, state="fulfilled")
    vm_id = vm_id_for(vm_request.id, position)
    ordinary = {
        "id": vm_id,
        "vm_request_id": vm_request.id,
        "position": position,
        "name": f"{vm_request.name}-{position}" if position else vm_request.name,
        "department_id": vm_request.department_id,
        "owner_id": owner.id,
        "template_version_id": make_template_version(db, vm_request.template_slug).id,
        "vcpus": vm_request.vcpus,
        "memory_mib": vm_request.memory_mib,
        "disk_gib": vm_request.disk_gib,
        "network": "department",
        "mac": mac_for(vm_id),
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=60),
        "state": VmState.RUNNING,
    }
    vm = Vm(**{**ordinary, **changes})
    db.add(vm)
    db.flush()
    return vm
