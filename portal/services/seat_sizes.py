"""What one seat of a lab takes: all its machines together, by the sizes that their templates have now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.errors import N_, Conflict
from portal.core.labs import LabSpec
from portal.core.quota import Amount
from portal.models import Template
from portal.services.templates import offer_of


@dataclass(frozen=True)
class SeatSize:
    """`licences`: seats of the licence of each limited template that one seat needs; `limits`: how many there are."""

    amount: Amount
    licences: Mapping[str, int]
    limits: Mapping[str, int]


def size_of_seat(db: Session, lab: LabSpec, *, lock: bool = False) -> SeatSize:
    """Raises Conflict, beside the lab, if one of its machines cannot be made.

    With `lock` nobody else takes licences of limited templates until our transaction ends.
    """
    counts = Counter(machine.template for machine in lab.machines)
    query = select(Template).where(Template.slug.in_(counts)).order_by(Template.slug)
    rows = db.scalars(query.with_for_update() if lock else query)
    offers = {row.slug: offer_of(row) for row in rows}
    total, limits = Amount(), {}
    for machine in lab.machines:
        offer = offers.get(machine.template)
        size = offer.spec.size(machine.size) if offer and offer.spec else None
        if offer is None or offer.spec is None or not offer.orderable or size is None:
            raise Conflict(
                N_("This lab needs the template “%(template)s” in size “%(size)s”, which cannot be had at the moment."),
                field="lab",
                template=machine.template,
                size=machine.size,
            )
        total += Amount(1, size.vcpus.default, size.memory_mib.default, size.disk_gib.default)
        if offer.spec.licence_seats is not None:
            limits[machine.template] = offer.spec.licence_seats
    return SeatSize(total, {slug: counts[slug] for slug in limits}, limits)
