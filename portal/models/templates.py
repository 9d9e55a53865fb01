"""VM templates as last read from their folders, and the versions of their disks that were built or brought."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base, key_column


class Template(Base, kw_only=True):
    """`spec` is the checked template.yml as plain data (null when broken), `errors` say what is wrong with it."""

    __tablename__ = "templates"

    slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    spec: Mapped[dict[str, Any] | None] = mapped_column(repr=False)
    read_at: Mapped[datetime]
    errors: Mapped[list[Any]] = mapped_column(default_factory=list)
    gone: Mapped[bool] = mapped_column(default=False)  # the folder is no longer there
    versions: Mapped[list[TemplateVersion]] = relationship(
        init=False, default_factory=list, order_by="TemplateVersion.version", lazy="selectin", repr=False
    )


class TemplateVersion(Base, kw_only=True):
    """One built disk. Never changed: old clones keep theirs. `spec` is the specification it was built from."""

    __tablename__ = "template_versions"
    __table_args__ = (UniqueConstraint("template_slug", "version"),)

    id: Mapped[UUID] = key_column()
    template_slug: Mapped[str] = mapped_column(ForeignKey("templates.slug"))
    version: Mapped[int]
    disk: Mapped[str] = mapped_column(String(255))  # below the storage directory: templates/<slug>/v<N>.qcow2
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int]
    built_at: Mapped[datetime]
    spec: Mapped[dict[str, Any]] = mapped_column(repr=False)
    missing: Mapped[bool] = mapped_column(default=False)  # the disk is no longer in the cabinet, or another one is
