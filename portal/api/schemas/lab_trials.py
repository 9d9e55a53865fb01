"""What a lab's last trial on a real seat has shown."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from portal.core.lifecycle import LabTrialState


class TriedStepOut(BaseModel):
    step: str
    good: bool
    before: str = Field(description="What a student is told before the step's solution.")
    after: str = Field(description="The same after it; empty when the checks pass.")
    trouble: str | None = None


class LabTrialOut(BaseModel):
    state: LabTrialState
    version: int
    asked_at: datetime
    asked_by: str | None = Field(description="Null for a trial from the command line.")
    host: str | None
    boot_s: float | None
    steps: list[TriedStepOut] = Field(description="Those tried so far.")
    guide_mistakes: list[str] = Field(description="What does not fit between the two guides.")
    trouble: str | None = Field(description="What is wrong with the seat itself.")
