"""What one seat of a lab is made of: its machines, each with its template, the newest disk and its size."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict
from portal.core.labs import LabMachine, LabSpec
from portal.core.quota import Amount
from portal.core.templates import Size, TemplateSpec
from portal.models import Template, TemplateVersion
from portal.services.templates import offer_of


@dataclass(frozen=True)
class SeatPart:
    """One machine of each seat."""

    machine: LabMachine
    template: TemplateSpec
    version: TemplateVersion
    size: Size

    @property
    def amount(self) -> Amount:
        return Amount(1, self.size.vcpus.default, self.size.memory_mib.default, self.size.disk_gib.default)


def machines_of(db: Session, spec: LabSpec) -> tuple[SeatPart, ...]:
    """In the lab's order. Raises Conflict, beside the lab, if one of its machines cannot be made."""
    return tuple(part_of(db, machine) for machine in spec.machines)


def part_of(db: Session, machine: LabMachine) -> SeatPart:
    row = db.get(Template, machine.template)
    offer = offer_of(row) if row is not None else None
    size = offer.spec.size(machine.size) if offer and offer.spec else None
    if offer is None or offer.spec is None or offer.version is None or not offer.orderable or size is None:
        raise Conflict(
            N_("This lab needs the template “%(template)s” in size “%(size)s”, which cannot be had at the moment."),
            field="lab",
            template=machine.template,
            size=machine.size,
        )
    return SeatPart(machine, offer.spec, offer.version, size)


def amount_of(parts: tuple[SeatPart, ...]) -> Amount:
    """All machines of one seat together."""
    return sum((part.amount for part in parts), Amount())
