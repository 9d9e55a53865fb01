"""Labs out of folders or of departments, their versions, and the saved machines from which seats are restored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core.lifecycle import SeatImageState
from portal.models.base import Base, key_column, state_column
from portal.models.department_labs import DepartmentLab


class Lab(Base, kw_only=True):
    """`errors` say what is wrong with the folder; the versions that were good before stay.

    `published` is there when the lab is a department's: then it has no folder, and `read_at` is when it was made.
    """

    __tablename__ = "labs"

    slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    read_at: Mapped[datetime]
    errors: Mapped[list[Any]] = mapped_column(default_factory=list)
    gone: Mapped[bool] = mapped_column(default=False)  # the folder is no longer there
    versions: Mapped[list[LabVersion]] = relationship(
        init=False, default_factory=list, order_by="LabVersion.version", lazy="selectin", repr=False
    )
    published: Mapped[DepartmentLab | None] = relationship(
        init=False, default=None, uselist=False, lazy="joined", cascade="all", repr=False
    )

    @property
    def newest(self) -> LabVersion | None:
        return self.versions[-1] if self.versions else None


class LabVersion(Base, kw_only=True):
    """One state of a lab, guides and scripts included. Never changed: a class keeps the one it was booked with."""

    __tablename__ = "lab_versions"
    __table_args__ = (UniqueConstraint("lab_slug", "version"),)

    id: Mapped[UUID] = key_column()
    lab_slug: Mapped[str] = mapped_column(ForeignKey("labs.slug"))
    version: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of `spec`
    made_at: Mapped[datetime]
    spec: Mapped[dict[str, Any]] = mapped_column(repr=False)


class SeatImage(Base, kw_only=True):
    """One seat's machines, saved while they ran. `key`: of machines, template disks and processor model together.

    It lies in `seat_images/<key>/` on the shared storage.
    """

    __tablename__ = "seat_images"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    lab_version_id: Mapped[UUID] = mapped_column(ForeignKey("lab_versions.id"))
    made_at: Mapped[datetime]
    state: Mapped[SeatImageState] = state_column(SeatImageState, default=SeatImageState.BUILDING)
    trouble: Mapped[str] = mapped_column(Text, default="")  # msgid; `trouble_params` fill it
    trouble_params: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    boot_s: Mapped[float | None] = mapped_column(default=None)
    workflow_id: Mapped[str | None] = mapped_column(String(80), default=None)  # who builds it
    fencing: Mapped[int] = mapped_column(default=0)  # grows with each try; hosts refuse lower numbers
    used_at: Mapped[datetime | None] = mapped_column(default=None)

    def fail(self, trouble: str, params: Mapping[str, Any]) -> None:
        self.state, self.trouble, self.trouble_params = SeatImageState.FAILED, trouble, dict(params)
