"""Trials of labs: one seat made for real, on which every step is shown to fail before its solution and pass after."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core.lifecycle import LAB_TRIAL_MOVES, LabTrialState, check_move
from portal.models.accounts import Account
from portal.models.base import Base, state_column
from portal.models.labs import LabVersion
from portal.models.lone_seats import LoneSeat


class LabTrial(LoneSeat, Base, kw_only=True):
    """`findings` are of the steps tried so far, in their order: {"step", "before", "after" (what each look showed:
    {"passed", "waits", "es", "en"}), "trouble" (msgid; "" if all is well), "params"}.

    `guide_mistakes` are what does not fit between the two guides (portal/core/guide_pairs.py). What the seat takes
    stands here, as with classes: the calendar counts with it.
    """

    __tablename__ = "lab_trials"
    __table_args__ = (
        Index("ix_lab_trials_version", "lab_version_id", "asked_at"),
        Index("ix_lab_trials_end", "ended_at"),
    )

    lab_version_id: Mapped[UUID] = mapped_column(ForeignKey("lab_versions.id"))
    seat_vcpus: Mapped[int]
    seat_memory_mib: Mapped[int]
    seat_disk_gib: Mapped[int]
    state: Mapped[LabTrialState] = state_column(LabTrialState, default=LabTrialState.RUNNING)
    findings: Mapped[list[Any]] = mapped_column(default_factory=list)
    guide_mistakes: Mapped[list[Any]] = mapped_column(default_factory=list)
    # until then the command that carries it has said that it lives; None: the engine carries it
    alive_until: Mapped[datetime | None] = mapped_column(default=None)
    lab_version: Mapped[LabVersion] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
    asked_by: Mapped[Account | None] = relationship(init=False, lazy="joined", viewonly=True, repr=False)

    @property
    def is_good(self) -> bool:
        return not self.trouble and not self.guide_mistakes and not any(one["trouble"] for one in self.findings)

    def move_to(self, state: LabTrialState) -> None:
        check_move(LAB_TRIAL_MOVES, self.state, state)
        self.state = state
