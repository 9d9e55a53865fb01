"""Asking for a machine of a kept seat as an own one: an ordinary request that begins with the seat's disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Invalid, NotFound
from portal.core.labs import LabMachine
from portal.core.lease import DEFAULT_TIMEZONE
from portal.core.lifecycle import KeepingState
from portal.core.policy import Actor
from portal.interfaces import Json
from portal.models import Keeping, LabSession, OwnMachine, SeatMachine, VmRequest
from portal.services import keeping_holds, keepings, seats, vm_requests
from portal.services.kept_seats import NOT_KEPT
from portal.services.lab_specs import spec_of
from portal.services.vm_requests import Order

PROVISION, PROVISION_FROM_SEAT = "provision", "provision_from_seat"
NO_MACHINE = N_("This seat has no such machine.")
TOO_SMALL = N_("The seat's disk has %(gib)s GB: the machine's must not be smaller.")


@dataclass(frozen=True)
class Wish:
    """What is asked beside the machine itself, whose template and size are those of the lab."""

    machine: str
    name: str
    purpose: str
    ends_on: date | None
    department_id: UUID | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict, repr=False)
    form_key: str | None = None


def ask(
    db: Session,
    *,
    actor: Actor,
    keeping_id: UUID,
    wish: Wish,
    now: datetime,
    secret_key: str,
    timezone: str = DEFAULT_TIMEZONE,
    base_url: str = "",
) -> VmRequest:
    """By who teaches the class and may order; it goes the ordinary way of all orders, and the keeping is held.

    Raises InvalidOrder with all that is wrong. The same form_key gives the same request.
    """
    keeping, lab_session = keepings.held(db, actor, keeping_id)
    earlier = vm_requests.of_form(db, vm_requests.own_form_key(actor, wish.form_key))
    if earlier is not None:
        return earlier
    row, machine = machine_of(keeping, lab_session, wish.machine)
    if any(one.seat_machine_id == row.id for one in keeping_holds.open_of(db, keeping.id)):
        raise Conflict(N_("This machine was asked for already; that request is still open."))
    order = order_of(machine, wish)
    vm_request = vm_requests.submit(
        db, actor=actor, order=order, now=now, secret_key=secret_key, timezone=timezone, base_url=base_url
    )
    check_size(vm_request, row)
    db.add(OwnMachine(vm_request_id=vm_request.id, keeping_id=keeping.id, seat_machine_id=row.id))
    keepings.note(db, keeping, "keeping.own_machine_asked", by=actor, now=now, machine=row.name, name=wish.name)
    seats.bump(db, lab_session.id)
    return vm_request


def order_of(machine: LabMachine, wish: Wish) -> Order:
    return Order(
        template=machine.template,
        size=machine.size,
        name=wish.name,
        purpose=wish.purpose,
        ends_on=wish.ends_on,
        parameters=wish.parameters,
        department_id=wish.department_id,
        form_key=wish.form_key,
    )


def machine_of(keeping: Keeping, lab_session: LabSession, name: str) -> tuple[SeatMachine, LabMachine]:
    """The machine of the kept seat, as a row and as the lab has it; without a name the first."""
    if keeping.state != KeepingState.KEPT or keeping.seat is None:
        raise Conflict(NOT_KEPT)
    spec = spec_of(lab_session.lab_version)
    rows = [row for row in keeping.seat.machines if name in ("", row.name)]
    machine = spec.machine(rows[0].name) if rows else None
    if machine is None:
        raise NotFound(NO_MACHINE)
    return rows[0], machine


def source_of(db: Session, vm_request_id: UUID) -> OwnMachine | None:
    return db.get(OwnMachine, vm_request_id)


def work_for(db: Session, vm_request: VmRequest) -> str:
    """Which sequence makes its machines."""
    return PROVISION if source_of(db, vm_request.id) is None else PROVISION_FROM_SEAT


def check_disk(db: Session, vm_request: VmRequest) -> None:
    """An approval may give less of everything, but a disk cannot shrink below what is on it."""
    source = source_of(db, vm_request.id)
    if source is not None:
        check_size(vm_request, source.machine)


def check_size(vm_request: VmRequest, row: SeatMachine) -> None:
    if vm_request.disk_gib < row.disk_gib:
        raise Invalid(TOO_SMALL, field="disk_gib", gib=row.disk_gib)


def of_class(db: Session, lab_session_id: UUID) -> list[OwnMachine]:
    """All that were asked for from seats of a class, the newest first."""
    query = select(OwnMachine).join(Keeping, Keeping.id == OwnMachine.keeping_id)
    query = query.join(VmRequest, VmRequest.id == OwnMachine.vm_request_id)
    return list(
        db.scalars(query.where(Keeping.lab_session_id == lab_session_id).order_by(VmRequest.submitted_at.desc()))
    )
