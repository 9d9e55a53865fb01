"""Orders and what became of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool, StrictInt, StrictStr, StringConstraints

from portal.api.schemas.values import NO_NUL, Body, Day, Line, PageOut, PageQuery, Slug, Whole, Words
from portal.core.lifecycle import VmRequestState

ParameterName = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=NO_NUL)]
ParameterText = Annotated[StrictStr, StringConstraints(max_length=10_000, pattern=NO_NUL)]


class OrderIn(Body):
    template: Slug
    size: Slug
    name: Line = Field(description="2 to 40 small letters, digits and hyphens; several copies get -01, -02 ...")
    copies: Whole = Field(1, ge=1, le=30)
    purpose: Words
    ends_on: Day
    starts_on: Day | None = None
    parameters: dict[ParameterName, ParameterText | StrictInt | StrictBool | None] = Field({}, max_length=50)
    department: Slug | None = Field(None, description="Only for who belongs to several.")


class SubmittedOut(BaseModel):
    id: UUID
    state: VmRequestState


class VmRequestsQuery(PageQuery):
    state: VmRequestState | None = None
    department: Slug | None = None
    text: Line | None = None
    mine: bool = False


class ProgressOut(BaseModel):
    done: int
    total: int
    step: str


class VmOfRequestOut(BaseModel):
    id: UUID
    name: str
    state: str
    host: str | None
    address: str | None


class VmRequestOut(BaseModel):
    id: UUID
    kind: str = Field(description="machines, or extension of one machine's lease")
    state: VmRequestState
    progress: ProgressOut = Field(description="0 of 0 until the work has begun")
    vms: list[VmOfRequestOut]
    error: str | None = Field(None, description="Why it failed, while it is failed.")
    department: str
    submitted_by: str
    submitted_at: datetime
    template: str
    size: str
    name: str
    copies: int
    purpose: str
    starts_on: date | None
    ends_on: date
    decided_by: str | None
    decided_at: datetime | None
    comment: str


class VmRequestsOut(PageOut):
    items: list[VmRequestOut]
