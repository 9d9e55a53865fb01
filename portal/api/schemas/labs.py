"""The library of labs, in the caller's language."""

from __future__ import annotations

from pydantic import BaseModel, Field

from portal.api.schemas.lab_trials import LabTrialOut
from portal.api.schemas.values import AmountOut
from portal.core.labs import Level


class LabMachineOut(BaseModel):
    name: str
    label: str
    template: str
    size: str


class LabStepOut(BaseModel):
    step: str
    title: str


class LabDoorOut(BaseModel):
    """A web page of a machine that a student may open."""

    name: str
    label: str
    machine: str


class LabOut(BaseModel):
    slug: str
    title: str
    summary: str
    subject: str
    level: Level
    minutes: int
    version: int
    teachable: bool
    why_not: str | None = None
    errors: list[str] = Field([], description="What is wrong with its folder, for those who manage labs.")
    seat: AmountOut = Field(description="What one seat takes; nothing while its machines cannot be made.")
    machines: list[LabMachineOut]
    doors: list[LabDoorOut]
    steps: list[LabStepOut]


class LabWithGuideOut(LabOut):
    guide: str = Field(description="Markdown, as it stands in the lab's folder.")
    trial: LabTrialOut | None = Field(
        None, description="The trial that goes on, else the last with a result; for those who may try the lab."
    )
