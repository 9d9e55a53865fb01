"""What a seat of a lab is made of: for each machine its template, newest disk and size; and what it all takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict, Phrase, Phrases
from portal.core.labs import LabMachine, LabSpec
from portal.core.parameters import check_parameters
from portal.core.quota import Amount
from portal.core.templates import Size, TemplateSpec, spec_from_data
from portal.models import Template, TemplateVersion
from portal.services import templates

NO_TEMPLATE = N_("Machine “%(machine)s” needs the template “%(template)s”, which is not there.")
NOT_READY = N_("Machine “%(machine)s” needs the template “%(template)s”: %(why)s")
NO_SIZE = N_("Machine “%(machine)s” needs the size “%(size)s”, which the template “%(template)s” does not have.")
WRONG_PARAMETER = N_("The field “%(name)s” of machine “%(machine)s” is wrong: %(why)s")


@dataclass(frozen=True)
class SeatPart:
    """One machine of a seat, and what it is made from today."""

    machine: LabMachine
    spec: TemplateSpec
    version: TemplateVersion
    size: Size

    @property
    def amount(self) -> Amount:
        return Amount(1, self.size.vcpus.default, self.size.memory_mib.default, self.size.disk_gib.default)


def machines_of(db: Session, spec: LabSpec) -> tuple[SeatPart, ...]:
    """In the lab's order. Raises Conflict, with the machine and the reason, for what cannot be made now."""
    return tuple(part_of(db, machine) for machine in spec.machines)


def seat_amount(parts: Iterable[SeatPart]) -> Amount:
    """What one seat takes, all its machines together."""
    return sum((part.amount for part in parts), Amount())


def part_of(db: Session, machine: LabMachine) -> SeatPart:
    row = db.get(Template, machine.template)
    named = {"machine": machine.name, "template": machine.template}
    if row is None:
        raise Conflict(NO_TEMPLATE, field="lab", **named)
    offer = templates.offer_of(row)
    if offer.spec is None or offer.why_not is not None or offer.version is None:
        why = Phrases([Phrase(offer.why_not or templates.WHY_NOT_BUILT)])
        raise Conflict(NOT_READY, field="lab", **named, why=why)
    size = offer.spec.size(machine.size)
    if size is None:
        raise Conflict(NO_SIZE, field="lab", **named, size=machine.size)
    check_fields(machine, offer.spec)
    return SeatPart(machine, offer.spec, offer.version, size)


def part_as_made(db: Session, machine: LabMachine, version: TemplateVersion) -> SeatPart:
    """Of a machine that is there: by the disk that it stands on, also when nobody may order its template any more."""
    row = db.get(Template, machine.template)
    if row is None or row.spec is None:
        raise Conflict(NO_TEMPLATE, field="lab", machine=machine.name, template=machine.template)
    spec = spec_from_data(row.spec)
    return SeatPart(machine, spec, version, spec.size(machine.size) or spec.sizes[0])


def check_fields(machine: LabMachine, spec: TemplateSpec) -> None:
    """A lab gives its machines' parameters itself: nobody will be asked for what is missing."""
    for problem in check_parameters(spec.parameters, machine.parameters).problems:
        why = Phrases([Phrase(problem.message, problem.params)])
        raise Conflict(WRONG_PARAMETER, field="lab", machine=machine.name, name=problem.field or "", why=why)
