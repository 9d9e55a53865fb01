"""Departments of the hospital, with what each may take of the cluster (its quota)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, key_column


class Department(Base, kw_only=True):
    __tablename__ = "departments"

    id: Mapped[UUID] = key_column()
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    quota_machines: Mapped[int] = mapped_column(default=10)
    quota_vcpus: Mapped[int] = mapped_column(default=20)
    quota_memory_mib: Mapped[int] = mapped_column(default=32 * 1024)
    quota_disk_gib: Mapped[int] = mapped_column(default=500)
    active: Mapped[bool] = mapped_column(default=True)
