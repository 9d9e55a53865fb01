"""Calendars that other programs read by a secret link, of which only the hash is kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.accounts import Account
from portal.models.base import Base, key_column


class CalendarFeed(Base, kw_only=True):
    """A teacher's own classes (`room` is empty), or those of a room that the teacher may see."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (UniqueConstraint("key_hash"), UniqueConstraint("account_id", "room"))

    id: Mapped[UUID] = key_column()
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    room: Mapped[str] = mapped_column(String(120), default="")
    key_hash: Mapped[str] = mapped_column(String(64), repr=False)
    made_at: Mapped[datetime]
    account: Mapped[Account] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
