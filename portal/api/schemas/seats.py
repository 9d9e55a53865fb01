"""Students and their seats: joining, looking, checking."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from portal.api.schemas.values import NO_NUL, Body, Line, Slug
from portal.core.lifecycle import LabSessionState, SeatState

Code = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=NO_NUL)]


class JoinIn(Body):
    code: Code = Field(description="However it is written: small letters, spaces and hyphens do not matter.")
    name: Line


class CheckIn(Body):
    step: Slug


class ResetSeatIn(Body):
    step: Slug | None = Field(None, description="Begin again there; at the beginning if it is missing.")


class CheckOut(BaseModel):
    """`messages` are for the student, in the language in which the student reads."""

    step: str
    passed: bool
    waits_for_teacher: bool
    messages: list[str]


class OwnSeatOut(BaseModel):
    id: UUID
    number: int
    state: SeatState
    ready_at: datetime | None


class StepResultOut(BaseModel):
    step: str
    title: str
    tries: int
    hints: int
    passed_at: datetime | None
    again: bool = Field(description="The machines began again before it: it is to be done anew.")
    said: str = Field(description="What the last check said.")


class OwnClassOut(BaseModel):
    """A student's place in the class."""

    student: str
    lab: str
    title: str
    languages: list[str]
    state: LabSessionState
    starts_at: datetime
    ends_at: datetime
    locked: bool
    notice: str
    seat: OwnSeatOut | None = Field(description="Null until one was free when the student sat down.")
    step: str | None = Field(description="Where the guide is open.")
    steps: list[StepResultOut]


class JoinedOut(OwnClassOut):
    key: str = Field(description="Shown this once. Send it as a Bearer token; it ends with the class.")
