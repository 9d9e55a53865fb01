"""The hypervisor machines of the cluster, with what they can carry."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.lifecycle import HostState
from portal.interfaces import HostAddress
from portal.models.base import Base, key_column, state_column


class Host(Base, kw_only=True):
    """`generation` is compared and swapped by every claim placed here, so two placements never both fit alone."""

    __tablename__ = "hosts"

    id: Mapped[UUID] = key_column()
    name: Mapped[str] = mapped_column(String(60), unique=True)
    address: Mapped[str] = mapped_column(String(255))
    port: Mapped[int] = mapped_column(default=22)
    user: Mapped[str] = mapped_column(String(40), default="root")
    state: Mapped[HostState] = state_column(HostState, default=HostState.ACTIVE)
    vcpus: Mapped[int] = mapped_column(default=0)
    memory_mib: Mapped[int] = mapped_column(default=0)
    disk_gib: Mapped[int] = mapped_column(default=0)  # what Vivero may use of the cabinet, counted once per cluster
    cpu_overcommit: Mapped[float] = mapped_column(default=4.0)
    reserved_memory_mib: Mapped[int] = mapped_column(default=512)
    accelerator: Mapped[str] = mapped_column(String(10), default="")
    cpu_model: Mapped[str] = mapped_column(String(60), default="")
    hypervisor_version: Mapped[str] = mapped_column(String(40), default="")
    generation: Mapped[int] = mapped_column(default=0)
    seen_at: Mapped[datetime | None] = mapped_column(default=None)
    trouble: Mapped[str] = mapped_column(Text, default="")

    @property
    def reached_at(self) -> HostAddress:
        return HostAddress(name=self.name, address=self.address, port=self.port, user=self.user)
