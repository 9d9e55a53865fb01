"""Console tickets: single use, 30 seconds, bound to a login session and a machine (DESIGN 7)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base


class ConsoleTicket(Base, kw_only=True):
    """Burnt by compare-and-swap on `burnt_at`; only the hash of the ticket is kept.

    Who: an account within a log-in, or a student of a class; `login_session_hash` is of the key in their cookie.
    What: a machine, or a machine of a seat.
    """

    __tablename__ = "console_tickets"

    ticket_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    login_session_hash: Mapped[str] = mapped_column(String(64), index=True)
    kind: Mapped[str] = mapped_column(String(10))  # "graphical", "serial" or "door"
    expires_at: Mapped[datetime] = mapped_column(index=True)
    burnt_at: Mapped[datetime | None] = mapped_column(default=None)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    student_id: Mapped[UUID | None] = mapped_column(ForeignKey("students.id"), default=None)
    vm_id: Mapped[UUID | None] = mapped_column(ForeignKey("vms.id"), default=None)
    seat_machine_id: Mapped[UUID | None] = mapped_column(ForeignKey("seat_machines.id"), default=None)
    view_only: Mapped[bool] = mapped_column(default=False)
