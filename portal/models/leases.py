"""Which lease notices went out, so that nobody is told twice of the same end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base


class LeaseNotice(Base, kw_only=True):
    """A lease that is extended has a new end, and so new notices."""

    __tablename__ = "lease_notices"

    vm_id: Mapped[UUID] = mapped_column(ForeignKey("vms.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)  # "week", "day", "parked"
    expires_at: Mapped[datetime] = mapped_column(primary_key=True)
    sent_at: Mapped[datetime]
