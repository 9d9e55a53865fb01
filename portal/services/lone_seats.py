"""Room for one seat of no class, as rehearsals and trials of labs need it, and what they left behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.calendar import Booking, shortage
from portal.core.errors import NoCapacity
from portal.core.lifecycle import WorkflowState
from portal.interfaces import WorkflowQueue
from portal.models import LabTrial, Rehearsal, Workflow
from portal.services import booking, workflows
from portal.services.calendar import LONE_SEAT
from portal.services.seat_sizes import SeatSize

CLEARED_AGAIN_AFTER = timedelta(minutes=1)
R = TypeVar("R", Rehearsal, LabTrial)


def check_room(db: Session, size: SeatSize, *, id: UUID, now: datetime, reserve_hosts: int, refused: str) -> None:
    """One seat beside all that is promised for the next half hour. Until the transaction ends nobody else gets it.

    Raises NoCapacity, with the words `refused`.
    """
    ground, calendar = booking.room_for(db, size, now=now, reserve_hosts=reserve_hosts)
    wanted = Booking(id, now, now + LONE_SEAT, size.amount, 1, size.licences)
    if shortage(ground, calendar, wanted) is not None:
        raise NoCapacity(refused)


def clear_failed(db: Session, rows: type[R], *, queue: WorkflowQueue, now: datetime) -> Sequence[R]:
    """Those that failed, and so may have left something, are rolled back until nothing is left."""
    open_ones = select(rows).where(rows.ended_at.is_(None))
    begun = []
    for row in list(db.scalars(open_ones.with_for_update(of=rows, skip_locked=True))):
        latest = db.get(Workflow, row.workflow_id) if row.workflow_id else None
        if latest is None or latest.state != WorkflowState.FAILED or latest.ended_at is None:
            continue
        if latest.ended_at + CLEARED_AGAIN_AFTER <= now:
            row.workflow_id = workflows.roll_back(db, workflow_id=latest.id, queue=queue, now=now).id
            begun.append(row)
    return begun
