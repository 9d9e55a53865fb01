"""What the catalogue offers, in the caller's language."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field


class LimitsOut(BaseModel):
    """Between which an approver may move a quantity."""

    min: int
    max: int


class SizeOut(BaseModel):
    slug: str
    label: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    limits: dict[Literal["vcpus", "memory_mib", "disk_gib"], LimitsOut]


class ChoiceOut(BaseModel):
    value: str
    label: str


class ParameterOut(BaseModel):
    name: str
    kind: str = Field(description="text, choice, number, yes_no or secret")
    label: str
    required: bool
    default: Any = None
    pattern: str | None = None
    pattern_help: str | None = Field(None, description="What the pattern asks for, in words.")
    min_length: int | None = None
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    choices: list[ChoiceOut] = []


class TemplateOut(BaseModel):
    slug: str
    name: str
    description: str
    category: str
    version: int | None = Field(description="The newest disk; null while there is none.")
    orderable: bool
    why_not: str | None = None
    operating_system: str
    support_ends: date
    network: str
    sizes: list[SizeOut]
    parameters: list[ParameterOut]
