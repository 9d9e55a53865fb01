"""Capacity held for one machine, from submission to retirement; on a host once it is placed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, key_column


class Claim(Base, kw_only=True):
    """`vm_id` is the id that the machine has or will have (uuid5 of request and position)."""

    __tablename__ = "claims"
    __table_args__ = (
        UniqueConstraint("vm_id"),
        # sums of a host and of a department are read from the index alone
        Index("ix_claims_host_amounts", "host_id", "vcpus", "memory_mib", "disk_gib"),
        Index("ix_claims_department_amounts", "department_id", "vcpus", "memory_mib", "disk_gib"),
    )

    id: Mapped[UUID] = key_column()
    vm_request_id: Mapped[UUID] = mapped_column(ForeignKey("vm_requests.id"), index=True)
    vm_id: Mapped[UUID]
    department_id: Mapped[UUID] = mapped_column(ForeignKey("departments.id"))
    vcpus: Mapped[int]
    memory_mib: Mapped[int]
    disk_gib: Mapped[int]
    made_at: Mapped[datetime]
    template_slug: Mapped[str] = mapped_column(String(60), index=True)  # licence seats are counted by template
    host_id: Mapped[UUID | None] = mapped_column(ForeignKey("hosts.id"), default=None)
