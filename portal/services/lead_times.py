"""How long the preparation of a lab has taken, read from its last classes: when the next one must begin."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from portal.core.calendar import LEAD
from portal.core.errors import PortalError
from portal.core.lead import Run, lead_for
from portal.core.lifecycle import HostState, LabSessionState, SeatImageState, WorkflowState
from portal.models import Host, LabSession, Seat, SeatImage, Workflow
from portal.services.seat_designs import design_of, image_key

LAST = 20
WAITING = (LabSessionState.BOOKED, LabSessionState.PREPARING)


def begins_at(db: Session, lab_session: LabSession) -> datetime:
    """When its preparation must begin. Never before `prepare_at`, from which on its room is proven."""
    earliest = lab_session.prepare_at or lab_session.starts_at - LEAD
    return max(lab_session.starts_at - lead_of(db, lab_session), earliest)


def lead_of(db: Session, lab_session: LabSession) -> timedelta:
    if not has_image(db, lab_session):
        return LEAD
    return lead_for(last_runs(db, lab_session), seats_at_once(db, lab_session))


def has_image(db: Session, lab_session: LabSession) -> bool:
    """False while an image would have to be made first, which the last runs need not have done."""
    try:
        design = design_of(db, lab_session.lab_version)
    except PortalError:
        return False  # its preparation will say what is missing; the sooner the better
    if not design.can_be_warm:
        return True
    hosts = db.scalars(select(Host).where(Host.state == HostState.ACTIVE))
    keys = {image_key(design, host) for host in hosts}
    whole = select(SeatImage.key).where(SeatImage.key.in_(keys), SeatImage.state == SeatImageState.READY)
    return bool(keys) and set(db.scalars(whole)) == keys


def last_runs(db: Session, lab_session: LabSession) -> list[Run]:
    """Of this version of the lab: those that succeeded at once and had all their seats."""
    served = select(func.count()).where(Seat.lab_session_id == LabSession.id, Seat.ready_at <= LabSession.prepared_at)
    each = aliased(Workflow)
    tries = select(func.count()).where(each.subject_id == LabSession.id, each.kind == "prepare_class")
    query = (
        select(LabSession.seats, LabSession.spares, LabSession.prepared_at, Workflow.created_at)
        .join(Workflow, Workflow.subject_id == LabSession.id)
        .where(
            LabSession.lab_version_id == lab_session.lab_version_id,
            LabSession.prepared_at.is_not(None),
            Workflow.kind == "prepare_class",
            Workflow.state == WorkflowState.DONE,
            tries.scalar_subquery() == 1,
            served.scalar_subquery() >= LabSession.seats,
        )
        .order_by(LabSession.prepared_at.desc())
        .limit(LAST)
    )
    return [Run(seats + spares, ready - began) for seats, spares, ready, began in db.execute(query) if ready]


def seats_at_once(db: Session, lab_session: LabSession) -> int:
    """With those of all classes that are prepared in the same minutes: they share hosts and worker."""
    near = LabSession.starts_at.between(lab_session.starts_at - LEAD, lab_session.starts_at + LEAD)
    query = select(func.sum(LabSession.seats + LabSession.spares)).where(near, LabSession.state.in_(WAITING))
    return max(db.scalar(query) or 0, lab_session.seats + lab_session.spares)
