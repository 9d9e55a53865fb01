"""Rehearsals: one seat of a class that is still to come, made for real, looked at, and taken away again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base
from portal.models.lone_seats import LoneSeat


class Rehearsal(LoneSeat, Base, kw_only=True):
    """`findings` are of the lab's steps, in their order: {"step", "trouble" (msgid; "" if all is well), "params"}."""

    __tablename__ = "rehearsals"
    __table_args__ = (
        Index("ix_rehearsals_session", "lab_session_id", "asked_at"),
        Index("ix_rehearsals_end", "ended_at"),
    )

    lab_session_id: Mapped[UUID] = mapped_column(ForeignKey("lab_sessions.id"))
    restore_s: Mapped[float | None] = mapped_column(default=None)  # None also where nothing could be restored
    findings: Mapped[list[Any]] = mapped_column(default_factory=list)
    reported_at: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def is_green(self) -> bool:
        return not self.trouble and not any(finding["trouble"] for finding in self.findings)
