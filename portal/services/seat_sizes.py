"""What one seat of a lab takes of the cluster and of limited licences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.labs import LabSpec
from portal.core.quota import Amount
from portal.models import Template
from portal.services.lab_machines import machines_of, seat_amount


@dataclass(frozen=True)
class SeatSize:
    """`licences`: seats of the licence of each limited template that one seat needs; `limits`: how many there are."""

    amount: Amount
    licences: Mapping[str, int]
    limits: Mapping[str, int]


def size_of_seat(db: Session, lab: LabSpec) -> SeatSize:
    """By the sizes that its templates have now. Raises Conflict, beside the lab, if a machine cannot be made."""
    parts = machines_of(db, lab)
    limited = [part.spec for part in parts if part.spec.licence_seats is not None]
    limits = {spec.slug: spec.licence_seats for spec in limited if spec.licence_seats is not None}
    return SeatSize(seat_amount(parts), Counter(spec.slug for spec in limited), limits)


def lock_licences(db: Session, size: SeatSize) -> None:
    """Until our transaction ends nobody else takes licences of these templates."""
    db.execute(select(Template.slug).where(Template.slug.in_(size.limits)).order_by(Template.slug).with_for_update())
