"""/vm-requests: order, look, cancel, try again, roll back. Deciding is in approvals.py."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from portal.api.auth import permission
from portal.api.context import actor, now, reading, site, writing
from portal.api.idempotency import once
from portal.api.paging import as_asked
from portal.api.schemas.vm_requests import OrderIn, SubmittedOut, VmRequestOut, VmRequestsOut, VmRequestsQuery
from portal.api.vm_request_views import shown, shown_all
from portal.core.errors import N_, Invalid
from portal.core.policy import Permission
from portal.services import quotas, vm_requests
from portal.services.orders import Order

bp = APIBlueprint("vm_requests", __name__, url_prefix="/vm-requests", tag="VM requests")


@bp.post("")
@bp.input(OrderIn, arg_name="order")
@bp.output(SubmittedOut, status_code=201)
@bp.doc(summary="Order machines", operation_id="submit_vm_request")
@permission(Permission.SUBMIT)
def submit(order: OrderIn) -> tuple[Any, int, dict[str, str]]:
    """The header Idempotency-Key makes it safe to send the same order again."""
    answer, status = once(lambda db: submitted(db, order), status=201)
    return answer, status, {"Location": f"/api/v1/vm-requests/{answer['id']}"}


def submitted(db: Session, order: OrderIn) -> dict[str, str]:
    settings = site().settings
    vm_request = vm_requests.submit(
        db,
        actor=actor(),
        order=order_of(db, order),
        now=now(),
        secret_key=settings.secret_key,
        timezone=settings.timezone,
        base_url=settings.base_url,
    )
    return {"id": str(vm_request.id), "state": str(vm_request.state)}


def order_of(db: Session, order: OrderIn) -> Order:
    return Order(
        template=order.template,
        size=order.size,
        name=order.name,
        copies=order.copies,
        purpose=order.purpose,
        ends_on=order.ends_on,
        starts_on=order.starts_on,
        parameters=order.parameters,
        department_id=department_id_of(db, order.department) if order.department else None,
    )


def department_id_of(db: Session, slug: str) -> UUID:
    for department in quotas.departments(db, actor=actor(), permission=Permission.SUBMIT):
        if department.slug == slug:
            return department.id
    raise Invalid(N_("You may not order for this department."), field="department")


@bp.get("")
@bp.input(VmRequestsQuery, location="query", arg_name="query")
@bp.output(VmRequestsOut)
@bp.doc(summary="Requests, newest first", operation_id="list_vm_requests")
@permission(Permission.SEE_DEPARTMENT)
def index(query: VmRequestsQuery) -> VmRequestsOut:
    with reading() as db:
        found = vm_requests.search(
            db,
            actor=actor(),
            state=query.state,
            department=query.department,
            text=query.text,
            page=query.page,
            mine=query.mine,
            per_page=query.limit,
        )
        page = as_asked(found, query.page)
        items = shown_all(db, page.items)
    return VmRequestsOut(items=items, page=page.number, pages=page.pages, total=page.total, more=page.more)


@bp.get("/<uuid:vm_request_id>")
@bp.output(VmRequestOut)
@bp.doc(summary="One request with its progress and machines", operation_id="get_vm_request")
@permission(Permission.SEE_DEPARTMENT)
def get(vm_request_id: UUID) -> VmRequestOut:
    with reading() as db:
        return shown(db, vm_requests.get(db, actor=actor(), vm_request_id=vm_request_id))


@bp.post("/<uuid:vm_request_id>/cancel")
@bp.output(VmRequestOut)
@bp.doc(summary="Take an order back", operation_id="cancel_vm_request")
@permission(Permission.SUBMIT)
def cancel(vm_request_id: UUID) -> VmRequestOut:
    """Work that has begun stops at its next step and cleans up."""
    with writing() as db:
        vm_request = vm_requests.cancel(db, actor=actor(), vm_request_id=vm_request_id, now=now(), queue=site().queue)
        return shown(db, vm_request)


@bp.post("/<uuid:vm_request_id>/retry")
@bp.output(VmRequestOut)
@bp.doc(summary="Go on with a failed request", operation_id="retry_vm_request")
@permission(Permission.SUBMIT)
def retry(vm_request_id: UUID) -> VmRequestOut:
    """From the step that failed."""
    with writing() as db:
        vm_request = vm_requests.retry(db, actor=actor(), vm_request_id=vm_request_id, now=now(), queue=site().queue)
        return shown(db, vm_request)


@bp.post("/<uuid:vm_request_id>/roll-back")
@bp.output(VmRequestOut)
@bp.doc(summary="Remove what a failed request left", operation_id="roll_back_vm_request")
@permission(Permission.SUBMIT)
def roll_back(vm_request_id: UUID) -> VmRequestOut:
    with writing() as db:
        vm_request = vm_requests.roll_back(
            db, actor=actor(), vm_request_id=vm_request_id, now=now(), queue=site().queue
        )
        return shown(db, vm_request)
