"""The library of labs, in the caller's language."""

from __future__ import annotations

from pydantic import BaseModel, Field

from portal.api.schemas.lab_trials import LabTrialOut
from portal.api.schemas.values import AmountOut, Body, Slug, Whole
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
    version: int = Field(description="What a class of the caller's department gets, or would get.")
    newest_version: int
    department: str | None = Field(None, description="Whose lab it is; none: it comes from a folder of the house.")
    cloned_from: str | None = Field(None, description="The lab and version that a department's lab was cloned from.")
    subscribed: bool = Field(False, description="A department of the caller has subscribed to another one's lab.")
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


class CloneIn(Body):
    name: Slug = Field(description="Short name; the lab is called DEPARTMENT.NAME.")
    department: Slug | None = Field(None, description="Only for who teaches in several.")


class CloneOut(BaseModel):
    slug: str
    department: str
    cloned_from: str


class SubscribeIn(Body):
    version: Whole = Field(ge=1, description="The newest one, as it was looked at.")
    department: Slug | None = Field(None, description="Only for who teaches in several.")


class SubscriptionOut(BaseModel):
    lab: str
    department: str
    version: int
