"""Seats that students ask to keep after their class: one row a student, from the question to the seat's removal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core.lifecycle import KEEPING_MOVES, KeepingState, check_move
from portal.models.base import Base, key_column, state_column
from portal.models.lab_sessions import LabSession, Student
from portal.models.seats import Seat


class Keeping(Base, kw_only=True):
    """While the class goes on it is about its student, wherever they sit; from the class's end on about `seat_id`.

    `until_at` stands from when it is granted; its room is proven until then.
    """

    __tablename__ = "keepings"
    __table_args__ = (UniqueConstraint("student_id"),)

    id: Mapped[UUID] = key_column()
    lab_session_id: Mapped[UUID] = mapped_column(ForeignKey("lab_sessions.id"), index=True)
    student_id: Mapped[UUID] = mapped_column(ForeignKey("students.id"))
    asked_at: Mapped[datetime]
    words: Mapped[str] = mapped_column(String(300), default="")  # what the student wrote beside it
    state: Mapped[KeepingState] = state_column(KeepingState, default=KeepingState.ASKED)
    seat_id: Mapped[UUID | None] = mapped_column(ForeignKey("seats.id"), index=True, default=None)
    until_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    told_at: Mapped[datetime | None] = mapped_column(default=None)  # that it ends soon
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    trouble: Mapped[str] = mapped_column(Text, default="")  # msgid; `trouble_params` fill it
    trouble_params: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    lab_session: Mapped[LabSession] = relationship(init=False, lazy="select", viewonly=True, repr=False)
    student: Mapped[Student] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
    seat: Mapped[Seat | None] = relationship(init=False, lazy="joined", viewonly=True, repr=False)

    def move_to(self, state: KeepingState, *, trouble: str = "", params: Mapping[str, Any] | None = None) -> None:
        check_move(KEEPING_MOVES, self.state, state)
        self.state = state
        self.tell_trouble(trouble, params)

    def tell_trouble(self, trouble: str, params: Mapping[str, Any] | None = None) -> None:
        self.trouble, self.trouble_params = trouble, dict(params or {})
