"""Seats of a class: one student's set of machines, always together on one host."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core.lifecycle import SEAT_MOVES, SeatState, check_move
from portal.core.seat_signs import Sign
from portal.models.base import Base, state_column
from portal.models.hosts import Host


class Seat(Base, kw_only=True):
    """`id` is uuid5(class, number). `fencing` grows with each piece of work on the seat; hosts refuse lower numbers."""

    __tablename__ = "seats"
    __table_args__ = (UniqueConstraint("lab_session_id", "number"), UniqueConstraint("student_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lab_session_id: Mapped[UUID] = mapped_column(ForeignKey("lab_sessions.id"))
    number: Mapped[int]  # from 1
    made_at: Mapped[datetime]
    state: Mapped[SeatState] = state_column(SeatState, default=SeatState.BUILDING)
    host_id: Mapped[UUID | None] = mapped_column(ForeignKey("hosts.id"), index=True, default=None)
    student_id: Mapped[UUID | None] = mapped_column(ForeignKey("students.id"), default=None)
    warm: Mapped[bool | None] = mapped_column(default=None)  # restored from memory; None while it was never made
    fencing: Mapped[int] = mapped_column(default=0)
    begun_at: Mapped[datetime | None] = mapped_column(default=None)  # of the present making
    ready_at: Mapped[datetime | None] = mapped_column(default=None)
    gone_at: Mapped[datetime | None] = mapped_column(default=None)
    resets: Mapped[int] = mapped_column(default=0)
    begin_at_step: Mapped[str] = mapped_column(String(60), default="")  # where the present reset leads; "": nowhere
    teacher_here: Mapped[bool] = mapped_column(default=False)  # somebody who teaches types on one of its machines
    trouble: Mapped[str] = mapped_column(Text, default="")  # msgid; `trouble_params` fill it
    trouble_params: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    cloned_at: Mapped[datetime | None] = mapped_column(default=None)  # this and the next three: first seen so
    running_at: Mapped[datetime | None] = mapped_column(default=None)
    network_at: Mapped[datetime | None] = mapped_column(default=None)
    doors_at: Mapped[datetime | None] = mapped_column(default=None)
    replaced_at: Mapped[datetime | None] = mapped_column(default=None)
    lacks: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)  # by sign: who lacked it at the last look
    host: Mapped[Host | None] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
    machines: Mapped[list[SeatMachine]] = relationship(
        init=False, default_factory=list, order_by="SeatMachine.position", lazy="selectin", viewonly=True, repr=False
    )

    def move_to(self, state: SeatState, *, trouble: str = "", params: Mapping[str, Any] | None = None) -> None:
        check_move(SEAT_MOVES, self.state, state)
        self.state = state
        self.trouble, self.trouble_params = trouble, dict(params or {})

    @property
    def sign_times(self) -> dict[Sign, datetime | None]:
        times = (self.cloned_at, self.running_at, self.ready_at, self.network_at, self.doors_at)
        return dict(zip(Sign, times, strict=True))

    def forget_signs(self) -> None:
        """Its machines are made anew."""
        self.cloned_at = self.running_at = self.network_at = self.doors_at = None
        self.lacks = {}


class SeatMachine(Base, kw_only=True):
    """`id` is uuid5(seat, name) and also the domain's UUID on its host; `name` is the machine's in the lab."""

    __tablename__ = "seat_machines"
    __table_args__ = (UniqueConstraint("seat_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seat_id: Mapped[UUID] = mapped_column(ForeignKey("seats.id"))
    position: Mapped[int]  # 0-based, as in the lab
    name: Mapped[str] = mapped_column(String(60))
    domain_name: Mapped[str] = mapped_column(String(120))
    template_version_id: Mapped[UUID] = mapped_column(ForeignKey("template_versions.id"))
    vcpus: Mapped[int]
    memory_mib: Mapped[int]
    disk_gib: Mapped[int]
