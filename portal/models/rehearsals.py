"""Rehearsals: one seat of a class that is still to come, made for real, looked at, and taken away again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base, key_column
from portal.models.hosts import Host


class Rehearsal(Base, kw_only=True):
    """How it stands says its workflow. `ended_at`: from then on it holds nothing any more.

    `findings` are of the lab's steps, in their order: {"step", "trouble" (msgid; "" if all is well), "params"}.
    """

    __tablename__ = "rehearsals"
    __table_args__ = (
        Index("ix_rehearsals_session", "lab_session_id", "asked_at"),
        Index("ix_rehearsals_end", "ended_at"),
    )

    id: Mapped[UUID] = key_column()
    lab_session_id: Mapped[UUID] = mapped_column(ForeignKey("lab_sessions.id"))
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"), default=None)  # None: the clock
    workflow_id: Mapped[str | None] = mapped_column(String(80), default=None)
    host_id: Mapped[UUID | None] = mapped_column(ForeignKey("hosts.id"), default=None)
    fencing: Mapped[int] = mapped_column(default=0)  # grows with each piece of work on the seat
    boot_s: Mapped[float | None] = mapped_column(default=None)
    restore_s: Mapped[float | None] = mapped_column(default=None)  # None also where nothing could be restored
    findings: Mapped[list[Any]] = mapped_column(default_factory=list)
    trouble: Mapped[str] = mapped_column(Text, default="")  # msgid of what is wrong with the seat itself
    trouble_params: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    reported_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    host: Mapped[Host | None] = relationship(init=False, lazy="joined", viewonly=True, repr=False)

    @property
    def is_green(self) -> bool:
        return not self.trouble and not any(finding["trouble"] for finding in self.findings)

    def tell_trouble(self, trouble: str, params: Mapping[str, Any]) -> None:
        """The first one counts: what comes after it mostly comes from it."""
        if not self.trouble:
            self.trouble, self.trouble_params = trouble, dict(params)
