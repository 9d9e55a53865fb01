"""Seats that are kept after their class."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from portal.api.schemas.values import Body, Whole, Words
from portal.core.lifecycle import KeepingState


class KeepIn(Body):
    words: Words = Field("", description="For the teacher, at most 300 letters.")


class DaysIn(Body):
    days: Whole = Field(ge=1, le=366, description="From the end of the class, all in all.")


class OwnKeepingOut(BaseModel):
    state: KeepingState
    words: str
    asked_at: datetime
    until_at: datetime | None = Field(description="From when it was granted.")
    trouble: str | None = Field(description="In the caller's language: why not, or why not any more.")


class KeepingOut(OwnKeepingOut):
    id: UUID
    student: str
    seat: UUID | None = Field(description="Null while the class goes on: it is about the student, wherever they sit.")


class KeepingsOut(BaseModel):
    items: list[KeepingOut]
