"""What a department asks for: machines of a template, or a longer lease for one it has."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Enum, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core.lifecycle import VM_REQUEST_MOVES, VmRequestState, check_move
from portal.models.accounts import Account
from portal.models.base import Base, key_column, state_column
from portal.models.departments import Department


class VmRequestKind(StrEnum):
    MACHINES = "machines"
    EXTENSION = "extension"  # a lease beyond policy: `vm_id` says whose


class VmRequest(Base, kw_only=True):
    """`wanted` keeps the wishes as submitted ({size, copies, ends_on}); the columns hold what was decided.

    `spec` is the template as it was ordered and then approved: the machines get network, hardware and the rest from it.
    """

    __tablename__ = "vm_requests"
    __table_args__ = (
        Index("ix_vm_requests_department_state", "department_id", "state", "submitted_at"),
        Index("ix_vm_requests_state_submitted", "state", "submitted_at"),
        Index("ix_vm_requests_owner_submitted", "submitted_by_id", "submitted_at"),
        # lists without a state: of a department, and of the whole house
        Index("ix_vm_requests_department_submitted", "department_id", "submitted_at"),
        Index("ix_vm_requests_submitted_at", "submitted_at"),
        Index("ix_vm_requests_owner_state", "submitted_by_id", "state", "submitted_at"),
        Index("ix_vm_requests_name", "name"),
    )

    id: Mapped[UUID] = key_column()
    department_id: Mapped[UUID] = mapped_column(ForeignKey("departments.id"))
    submitted_by_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    submitted_at: Mapped[datetime]
    template_slug: Mapped[str] = mapped_column(String(60))
    size: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(40))
    copies: Mapped[int]
    vcpus: Mapped[int]  # of one copy, as memory and disk
    memory_mib: Mapped[int]
    disk_gib: Mapped[int]
    purpose: Mapped[str] = mapped_column(Text)
    ends_on: Mapped[date] = mapped_column(Date)
    form_key: Mapped[str | None] = mapped_column(String(64), unique=True, default=None)  # one form, one request
    starts_on: Mapped[date | None] = mapped_column(Date, default=None)
    parameters: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    sealed_parameters: Mapped[str | None] = mapped_column(Text, default=None, repr=False)  # secrets, encrypted
    wanted: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    kind: Mapped[VmRequestKind] = mapped_column(
        Enum(VmRequestKind, native_enum=False, length=20, values_callable=lambda kind: [str(one) for one in kind]),
        default=VmRequestKind.MACHINES,
    )
    vm_id: Mapped[UUID | None] = mapped_column(default=None)
    template_version_id: Mapped[UUID | None] = mapped_column(ForeignKey("template_versions.id"), default=None)
    state: Mapped[VmRequestState] = state_column(VmRequestState, default=VmRequestState.SUBMITTED)
    spec: Mapped[dict[str, Any] | None] = mapped_column(default=None, deferred=True, repr=False)
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id"), default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    decision_comment: Mapped[str] = mapped_column(Text, default="")
    workflow_id: Mapped[str | None] = mapped_column(String(80), default=None)
    error: Mapped[str | None] = mapped_column(Text, default=None)  # msgid; `error_params` fill it
    error_params: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    fulfilled_at: Mapped[datetime | None] = mapped_column(default=None)
    department: Mapped[Department] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
    submitted_by: Mapped[Account] = relationship(
        init=False, lazy="joined", viewonly=True, repr=False, foreign_keys=[submitted_by_id]
    )
    decided_by: Mapped[Account | None] = relationship(
        init=False, lazy="joined", viewonly=True, repr=False, foreign_keys=[decided_by_id]
    )

    def move_to(self, state: VmRequestState) -> None:
        check_move(VM_REQUEST_MOVES, self.state, state)
        self.state = state
