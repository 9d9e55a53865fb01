"""Capacity held for one machine, from submission to retirement, or for a class or a lab's trial; placed or not yet."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, key_column


class Claim(Base, kw_only=True):
    """`vm_id` is the id that the machine has or will have, of a request, a class's seat or a trial's: one is named.

    A class takes nothing of a department's quota, so its claims name no department.
    """

    __tablename__ = "claims"
    __table_args__ = (
        UniqueConstraint("vm_id"),
        # sums of a host and of a department are read from the index alone
        Index("ix_claims_host_amounts", "host_id", "vcpus", "memory_mib", "disk_gib"),
        Index("ix_claims_department_amounts", "department_id", "vcpus", "memory_mib", "disk_gib"),
    )

    id: Mapped[UUID] = key_column()
    vm_id: Mapped[UUID]
    vcpus: Mapped[int]
    memory_mib: Mapped[int]
    disk_gib: Mapped[int]
    made_at: Mapped[datetime]
    template_slug: Mapped[str] = mapped_column(String(60), index=True)  # licence seats are counted by template
    vm_request_id: Mapped[UUID | None] = mapped_column(ForeignKey("vm_requests.id"), index=True, default=None)
    lab_session_id: Mapped[UUID | None] = mapped_column(ForeignKey("lab_sessions.id"), index=True, default=None)
    lab_trial_id: Mapped[UUID | None] = mapped_column(ForeignKey("lab_trials.id"), index=True, default=None)
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("departments.id"), default=None)
    host_id: Mapped[UUID | None] = mapped_column(ForeignKey("hosts.id"), default=None)
