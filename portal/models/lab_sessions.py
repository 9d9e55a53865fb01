"""Classes: a lab, a time, a teacher and so many seats; and the students who came."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core.languages import GUIDE_LANGUAGES
from portal.core.lifecycle import LAB_SESSION_MOVES, ClassApproval, LabSessionState, check_move
from portal.models.accounts import Account
from portal.models.base import Base, key_column, state_column
from portal.models.departments import Department
from portal.models.labs import LabVersion

OPEN = text("state NOT IN ('ended', 'cancelled')")


class LabSession(Base, kw_only=True):
    """`seats` is what was booked; a few spare ones are made beside them.

    What the class takes of the cluster stands here, summed up over all its seats, the spare ones included: it is what
    the calendar counts with, also before there is any seat. No seat's machines leave their seat's host.
    """

    __tablename__ = "lab_sessions"
    __table_args__ = (
        # a code opens one class at a time
        Index("uq_lab_sessions_code_open", "join_code", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_lab_sessions_time", "ends_at", "starts_at"),
        Index("ix_lab_sessions_teacher", "teacher_id", "starts_at"),
    )

    id: Mapped[UUID] = key_column()
    lab_slug: Mapped[str] = mapped_column(String(60), index=True)
    lab_version_id: Mapped[UUID] = mapped_column(ForeignKey("lab_versions.id"))
    teacher_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    department_id: Mapped[UUID] = mapped_column(ForeignKey("departments.id"))
    made_at: Mapped[datetime]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    seats: Mapped[int]
    spares: Mapped[int]
    seat_vcpus: Mapped[int]  # of one seat, all its machines together
    seat_memory_mib: Mapped[int]
    seat_disk_gib: Mapped[int]
    join_code: Mapped[str] = mapped_column(String(12))
    room: Mapped[str] = mapped_column(String(120), default="")
    state: Mapped[LabSessionState] = state_column(LabSessionState, default=LabSessionState.BOOKED)
    prepare_at: Mapped[datetime | None] = mapped_column(default=None)  # when its preparation is to begin
    prepared_at: Mapped[datetime | None] = mapped_column(default=None)
    opened_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    workflow_id: Mapped[str | None] = mapped_column(String(80), default=None)  # the newest of the whole class
    locked: Mapped[bool] = mapped_column(default=False)  # students may look and not touch
    catch_up_step: Mapped[str] = mapped_column(String(60), default="")  # where the teacher brings everybody
    notice: Mapped[str] = mapped_column(Text, default="")  # the teacher's message to all
    notice_at: Mapped[datetime | None] = mapped_column(default=None)
    told_missing: Mapped[bool] = mapped_column(default=False)  # the teacher knows that seats will be missing
    trouble: Mapped[str] = mapped_column(Text, default="")  # msgid; `trouble_params` fill it
    trouble_params: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    only_listed: Mapped[bool] = mapped_column(default=False)  # the code opens nothing: only personal links do
    languages: Mapped[list[Any]] = mapped_column(default_factory=lambda: list(GUIDE_LANGUAGES))  # the first one leads
    series_id: Mapped[UUID | None] = mapped_column(ForeignKey("class_series.id"), default=None, index=True)
    approval: Mapped[ClassApproval] = state_column(ClassApproval, default=ClassApproval.NOT_NEEDED)
    approval_asked_at: Mapped[datetime | None] = mapped_column(default=None)
    approval_asked_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    approval_reminded: Mapped[bool] = mapped_column(default=False)
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    decision_comment: Mapped[str] = mapped_column(Text, default="")
    grade_link: Mapped[dict[str, Any] | None] = mapped_column(default=None)  # kept for grades by LTI; not used yet
    revision: Mapped[int] = mapped_column(default=0)  # grows with each visible change; live pages compare it
    lab_version: Mapped[LabVersion] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
    teacher: Mapped[Account] = relationship(
        init=False, lazy="joined", viewonly=True, repr=False, foreign_keys=[teacher_id]
    )
    decided_by: Mapped[Account | None] = relationship(
        init=False, lazy="select", viewonly=True, repr=False, foreign_keys=[decided_by_id]
    )
    department: Mapped[Department] = relationship(init=False, lazy="joined", viewonly=True, repr=False)

    @property
    def memory_mib(self) -> int:
        """Of all its seats, the spare ones too."""
        return (self.seats + self.spares) * self.seat_memory_mib

    @property
    def waits_for_approval(self) -> bool:
        """Its room is kept; nothing is made for it until somebody has agreed."""
        return self.approval == ClassApproval.WAITING and self.state == LabSessionState.BOOKED

    def move_to(self, state: LabSessionState) -> None:
        check_move(LAB_SESSION_MOVES, self.state, state)
        self.state = state
        self.show_change()

    def tell_trouble(self, trouble: str, params: Mapping[str, Any] | None = None) -> None:
        """A msgid for the teacher; "" when there is none any more."""
        self.trouble, self.trouble_params = trouble, dict(params or {})
        self.show_change()

    def show_change(self) -> None:
        """Tell the live pages. The row is to be held: somebody else may count at the same moment."""
        self.revision += 1


class Student(Base, kw_only=True):
    """Somebody in one class, with or without an account. `key_hash` is of the key in the browser's cookie."""

    __tablename__ = "students"
    __table_args__ = (UniqueConstraint("key_hash"), Index("ix_students_session", "lab_session_id", "joined_at"))

    id: Mapped[UUID] = key_column()
    lab_session_id: Mapped[UUID] = mapped_column(ForeignKey("lab_sessions.id"))
    name: Mapped[str] = mapped_column(String(80))
    key_hash: Mapped[str] = mapped_column(String(64), repr=False)
    joined_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    locale: Mapped[str] = mapped_column(String(8), default="es")
    step: Mapped[str] = mapped_column(String(60), default="")  # where the guide is open
    hand: Mapped[str | None] = mapped_column(String(300), default=None)  # raised, with a line of text (or none: "")
    hand_at: Mapped[datetime | None] = mapped_column(default=None)


class StepResult(Base, kw_only=True):
    """How a student stands with a step: tries, hints, when it was first opened and when it passed."""

    __tablename__ = "step_results"

    student_id: Mapped[UUID] = mapped_column(ForeignKey("students.id"), primary_key=True)
    step: Mapped[str] = mapped_column(String(60), primary_key=True)
    begun_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    hints: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None] = mapped_column(default=None)
    passed_at: Mapped[datetime | None] = mapped_column(default=None)
    said: Mapped[str] = mapped_column(Text, default="")  # the last try's message
    again: Mapped[bool] = mapped_column(default=False)  # the machines began again before it: it is to be done anew

    @property
    def stands(self) -> bool:
        """It passed, and what was done for it is still there. Reports count what ever passed."""
        return self.passed_at is not None and not self.again

    @property
    def is_tried(self) -> bool:
        """Tried without success on the machines as they are now."""
        return bool(self.tries) and not self.stands and not (self.again and self.tried_at is None)

    def begin_again(self) -> None:
        """What it took to pass it stays for the report."""
        self.again, self.tried_at, self.said = True, None, ""
