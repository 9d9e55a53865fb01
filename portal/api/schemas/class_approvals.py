"""Decisions on large classes. No code of the class stands in them: it is its teacher's."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from portal.api.schemas.lab_sessions import ApprovalOut
from portal.api.schemas.values import Body, Words
from portal.core.lifecycle import LabSessionState


class AgreeIn(Body):
    comment: Words = ""


class DecisionOut(BaseModel):
    state: LabSessionState
    approval: ApprovalOut
    decided: list[UUID] = Field(description="All dates that were decided with it.")


class WaitingClassOut(BaseModel):
    id: UUID
    lab: str
    teacher: str
    department: str
    starts_at: list[datetime] = Field(description="All dates that wait.")
    minutes: int
    room: str
    seats: int
    spares: int
    memory_mib: int = Field(description="Of all its seats, the spare ones too.")
    memory_left_mib: int = Field(description="Of the cluster at the tightest date, with its reserve and this class.")
    vcpus_left: int
    own: bool = Field(description="One's own: somebody else has to decide.")


class WaitingClassesOut(BaseModel):
    items: list[WaitingClassOut]
