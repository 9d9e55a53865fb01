"""Which dates of classes belong together: booked at once, or read from one timetable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.recurrence import SeriesRule
from portal.models import ClassSeries, LabSession


def join(db: Session, made: Sequence[LabSession], *, rule: SeriesRule, now: datetime) -> None:
    """Make a series of these; one date alone is none."""
    if len(made) < 2:
        return
    series = ClassSeries(rule=rule, made_at=now)
    db.add(series)
    db.flush()
    for lab_session in made:
        lab_session.series_id = series.id


def dates_of(db: Session, lab_session: LabSession) -> list[LabSession]:
    """All dates of its series by time, whatever became of them; itself alone if it has none."""
    if lab_session.series_id is None:
        return [lab_session]
    query = select(LabSession).where(LabSession.series_id == lab_session.series_id)
    return list(db.scalars(query.order_by(LabSession.starts_at, LabSession.id)).unique())
