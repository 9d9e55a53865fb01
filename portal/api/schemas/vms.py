"""Machines."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from portal.api.schemas.values import Body, Day, Line, PageOut, PageQuery, Slug, Words
from portal.core.lifecycle import VmState
from portal.services.vms import PowerAction


class VmsQuery(PageQuery):
    state: VmState | None = None
    department: Slug | None = None
    text: Line | None = None
    mine: bool = False


class VmOut(BaseModel):
    id: UUID
    name: str
    state: VmState
    state_reason: str
    host: str | None
    address: str | None
    mac: str
    network: str
    department: str
    owner: str
    template: str
    template_version: int
    vm_request_id: UUID
    vcpus: int
    memory_mib: int
    disk_gib: int
    created_at: datetime
    expires_at: datetime
    retired_at: datetime | None


class VmsOut(PageOut):
    items: list[VmOut]


class PowerIn(Body):
    action: PowerAction


class ExtendIn(Body):
    ends_on: Day
    reason: Words = ""


class ExtensionAskedOut(BaseModel):
    """Beyond policy the extension became a request that somebody else decides."""

    id: UUID
    state: str
