"""The machines, from the moment their capacity is placed until they are retired (the row stays as a record)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, Index, String, Text, UniqueConstraint, literal_column, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core.lifecycle import VM_MOVES, VmState, check_move
from portal.models.accounts import Account
from portal.models.base import Base, state_column
from portal.models.departments import Department
from portal.models.hosts import Host
from portal.models.templates import TemplateVersion

LIVING = text("state != 'retired'")


class Vm(Base, kw_only=True):
    """`id` is uuid5(vm_request id, index) and also the domain's UUID on its host."""

    __tablename__ = "vms"
    __table_args__ = (
        UniqueConstraint("vm_request_id", "position"),
        # a retired machine frees its name and its addresses
        Index("uq_vms_name_living", "name", unique=True, sqlite_where=LIVING, postgresql_where=LIVING),
        Index("uq_vms_mac_living", "mac", unique=True, sqlite_where=LIVING, postgresql_where=LIVING),
        Index("uq_vms_address_living", "address", unique=True, sqlite_where=LIVING, postgresql_where=LIVING),
        Index("ix_vms_department_state", "department_id", "state"),
        Index("ix_vms_owner_state", "owner_id", "state"),
        Index("ix_vms_expires", "expires_at"),
        Index("ix_vms_state_created", "state", "created_at"),
        # lists of living machines, newest first
        Index("ix_vms_living", "created_at", sqlite_where=LIVING, postgresql_where=LIVING),
        Index("ix_vms_living_department", "department_id", "created_at", sqlite_where=LIVING, postgresql_where=LIVING),
        Index("ix_vms_living_owner", "owner_id", "created_at", sqlite_where=LIVING, postgresql_where=LIVING),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vm_request_id: Mapped[UUID] = mapped_column(ForeignKey("vm_requests.id"))
    position: Mapped[int]  # 0-based copy
    name: Mapped[str] = mapped_column(String(50))
    department_id: Mapped[UUID] = mapped_column(ForeignKey("departments.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    template_version_id: Mapped[UUID] = mapped_column(ForeignKey("template_versions.id"))
    vcpus: Mapped[int]
    memory_mib: Mapped[int]
    disk_gib: Mapped[int]
    network: Mapped[str] = mapped_column(String(20))
    mac: Mapped[str] = mapped_column(String(17))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    address: Mapped[str | None] = mapped_column(String(45), default=None)
    host_id: Mapped[UUID | None] = mapped_column(ForeignKey("hosts.id"), index=True, default=None)
    state: Mapped[VmState] = state_column(VmState, default=VmState.CLONING)
    state_reason: Mapped[str] = mapped_column(Text, default="")  # msgid; `state_reason_params` fill it
    state_reason_params: Mapped[dict[str, Any]] = mapped_column(default_factory=dict)
    keyboard: Mapped[str] = mapped_column(String(8), default="es")
    fencing: Mapped[int] = mapped_column(default=0)  # the number of the last workflow that may change it
    ready_at: Mapped[datetime | None] = mapped_column(default=None)
    switched_at: Mapped[datetime | None] = mapped_column(default=None)  # the last time by us: older looks are stale
    shut_down_asked_at: Mapped[datetime | None] = mapped_column(default=None)
    parking_since: Mapped[datetime | None] = mapped_column(default=None)  # asked to stop, not parked yet
    parked_at: Mapped[datetime | None] = mapped_column(default=None)
    retire_at: Mapped[datetime | None] = mapped_column(default=None)
    retired_at: Mapped[datetime | None] = mapped_column(default=None)
    department: Mapped[Department] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
    owner: Mapped[Account] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
    host: Mapped[Host | None] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
    template_version: Mapped[TemplateVersion] = relationship(init=False, lazy="joined", viewonly=True, repr=False)

    def move_to(self, state: VmState, *, reason: str = "", params: Mapping[str, Any] | None = None) -> None:
        check_move(VM_MOVES, self.state, state)
        self.state = state
        self.state_reason, self.state_reason_params = reason, dict(params or {})


def is_living() -> ColumnElement[bool]:
    """Not retired, in the words of the partial indexes, so that they are used."""
    return Vm.state != literal_column("'retired'")


class VmUser(Base, kw_only=True):
    """Somebody beside the owner who may use a machine."""

    __tablename__ = "vm_users"

    vm_id: Mapped[UUID] = mapped_column(ForeignKey("vms.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"), primary_key=True, index=True)
    added_at: Mapped[datetime]
    account: Mapped[Account] = relationship(init=False, lazy="joined", viewonly=True, repr=False)
