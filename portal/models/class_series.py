"""Series of classes: dates that were booked together. Each date is a class of its own, with its own code and seats."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped

from portal.core.recurrence import SeriesRule
from portal.models.base import Base, key_column, state_column


class ClassSeries(Base, kw_only=True):
    """`rule` says how the dates came together; when they are, they say themselves."""

    __tablename__ = "class_series"

    id: Mapped[UUID] = key_column()
    rule: Mapped[SeriesRule] = state_column(SeriesRule, default=SeriesRule.LISTED)
    made_at: Mapped[datetime]
