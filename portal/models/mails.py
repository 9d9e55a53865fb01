"""Mails to send: written with the change that causes them, sent by the worker, kept for the administrator's page."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.lifecycle import MailState
from portal.models.base import Base, key_column, state_column


class Mail(Base, kw_only=True):
    __tablename__ = "mails"
    __table_args__ = (Index("ix_mails_due", "state", "next_try_at"),)

    id: Mapped[UUID] = key_column()
    receiver: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(250))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(index=True)
    html: Mapped[str | None] = mapped_column(Text, default=None)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    state: Mapped[MailState] = state_column(MailState, default=MailState.QUEUED)
    tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(default=None)
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    trouble: Mapped[str] = mapped_column(Text, default="")
