"""People who may log in, and the roles they hold in departments."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core.policy import Role
from portal.models.base import Base, key_column
from portal.models.departments import Department


class Account(Base, kw_only=True):
    __tablename__ = "accounts"

    id: Mapped[UUID] = key_column()
    login: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254))
    password_hash: Mapped[str] = mapped_column(String(255), repr=False)
    created_at: Mapped[datetime]
    locale: Mapped[str] = mapped_column(String(8), default="es")
    active: Mapped[bool] = mapped_column(default=True)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(default=None)
    last_login_at: Mapped[datetime | None] = mapped_column(default=None)
    last_failed_at: Mapped[datetime | None] = mapped_column(default=None)
    memberships: Mapped[list[Membership]] = relationship(
        back_populates="account", default_factory=list, lazy="selectin", cascade="all, delete-orphan", repr=False
    )


class Membership(Base, kw_only=True):
    """A role of an account. `department` is null for the roles of the whole house (admin, auditor)."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("account_id", "department_id", "role"),)

    id: Mapped[UUID] = key_column()
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), index=True, init=False)
    role: Mapped[Role] = mapped_column(
        Enum(Role, native_enum=False, length=20, values_callable=lambda kind: [str(role) for role in kind])
    )
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("departments.id"), index=True, default=None)
    account: Mapped[Account] = relationship(back_populates="memberships", default=None, repr=False)
    department: Mapped[Department | None] = relationship(default=None, init=False, lazy="joined", viewonly=True)
