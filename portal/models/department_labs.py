"""Labs that departments publish: whose they are, the draft that is being written, what is new, and who subscribed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base
from portal.models.departments import Department


class DepartmentLab(Base, kw_only=True):
    """Beside a lab's row: it comes from a department and not from a folder. `offered_to` are departments' slugs."""

    __tablename__ = "department_labs"

    lab_slug: Mapped[str] = mapped_column(ForeignKey("labs.slug"), primary_key=True)
    department_id: Mapped[UUID] = mapped_column(ForeignKey("departments.id"), index=True)
    origin_slug: Mapped[str] = mapped_column(String(60))  # the lab that it was cloned from, and its version
    origin_version: Mapped[int]
    title: Mapped[dict[str, Any]]  # {es, en}, of what was published last, or of the origin
    offered_to: Mapped[list[Any]] = mapped_column(default_factory=list)
    offered_to_all: Mapped[bool] = mapped_column(default=False)
    withdrawn: Mapped[bool] = mapped_column(default=False)  # no new classes; those that are booked stay
    department: Mapped[Department] = relationship(init=False, lazy="joined", repr=False)

    def is_offered_to(self, department: str) -> bool:
        return self.offered_to_all or department in self.offered_to


class LabDraft(Base, kw_only=True):
    """The files of a department's lab as they are being written. `revision` grows with each change of them."""

    __tablename__ = "lab_drafts"

    lab_slug: Mapped[str] = mapped_column(ForeignKey("department_labs.lab_slug"), primary_key=True)
    files: Mapped[dict[str, Any]] = mapped_column(repr=False)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(200))  # the person's name
    revision: Mapped[int] = mapped_column(default=1)


class LabRelease(Base, kw_only=True):
    """What a department published as a version: the files it was read from, and what its subscribers are told."""

    __tablename__ = "lab_releases"

    lab_version_id: Mapped[UUID] = mapped_column(ForeignKey("lab_versions.id"), primary_key=True)
    files: Mapped[dict[str, Any]] = mapped_column(repr=False)
    news: Mapped[str] = mapped_column(String(300), default="")


class LabSubscription(Base, kw_only=True):
    """A department teaches another one's lab, in the version that it took last."""

    __tablename__ = "lab_subscriptions"

    lab_slug: Mapped[str] = mapped_column(ForeignKey("department_labs.lab_slug"), primary_key=True)
    department_id: Mapped[UUID] = mapped_column(ForeignKey("departments.id"), primary_key=True, index=True)
    lab_version_id: Mapped[UUID] = mapped_column(ForeignKey("lab_versions.id"))
    made_at: Mapped[datetime]
