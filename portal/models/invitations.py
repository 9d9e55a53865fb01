"""People on the list of a class: each has a personal link, of which only the hash is kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, key_column


class Invitation(Base, kw_only=True):
    """Who opens the link is this person. From then on they are a student whose key is the link's own."""

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("key_hash"),)

    id: Mapped[UUID] = key_column()
    lab_session_id: Mapped[UUID] = mapped_column(ForeignKey("lab_sessions.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    email: Mapped[str] = mapped_column(String(254), default="")
    key_hash: Mapped[str] = mapped_column(String(64), repr=False)
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    student_id: Mapped[UUID | None] = mapped_column(ForeignKey("students.id"), default=None)
