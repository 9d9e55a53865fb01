"""What the rows share that hold one seat of no class for a while: rehearsals of classes and trials of labs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, MappedAsDataclass, declared_attr, mapped_column, relationship

from portal.models.base import key_column
from portal.models.hosts import Host


class LoneSeat(MappedAsDataclass, kw_only=True):
    """How it stands says its workflow. `ended_at`: from then on it holds nothing any more."""

    id: Mapped[UUID] = key_column()
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"), default=None)  # None: clock, command
    workflow_id: Mapped[str | None] = mapped_column(String(80), default=None)
    host_id: Mapped[UUID | None] = mapped_column(ForeignKey("hosts.id"), default=None)
    fencing: Mapped[int] = mapped_column(default=0)  # grows with each piece of work on the seat
    boot_s: Mapped[float | None] = mapped_column(default=None)
    trouble: Mapped[str] = mapped_column(Text, default="")  # msgid of what is wrong with the seat itself
    trouble_params: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)

    @declared_attr
    def host(cls) -> Mapped[Host | None]:  # noqa: N805 - SQLAlchemy hands in the class
        return relationship(init=False, lazy="joined", viewonly=True, repr=False)

    def tell_trouble(self, trouble: str, params: Mapping[str, Any]) -> None:
        """The first one counts: what comes after it mostly comes from it."""
        if not self.trouble:
            self.trouble, self.trouble_params = trouble, dict(params)
