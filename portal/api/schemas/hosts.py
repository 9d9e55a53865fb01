"""The hosts of the cluster."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from portal.api.schemas.values import AmountOut, PageOut
from portal.core.lifecycle import HostState


class HostOut(BaseModel):
    id: UUID
    name: str
    address: str
    state: HostState
    accelerator: str
    cpu_model: str
    hypervisor_version: str
    total: AmountOut
    claimed: AmountOut
    free: AmountOut
    vms: int
    seen_at: datetime | None
    answers: bool = Field(description="false while it should answer and does not")
    trouble: str


class HostsOut(PageOut):
    """`free_with_reserve`: what may still be ordered with the reserve for a failing host kept."""

    items: list[HostOut]
    free_with_reserve: AmountOut
