"""Decisions."""

from __future__ import annotations

from pydantic import Field

from portal.api.schemas.values import Body, Day, Slug, Whole, Words


class ApproveIn(Body):
    """Less than was asked for, if wished; each quantity between the limits of its size (see GET /templates)."""

    size: Slug | None = None
    copies: Whole | None = Field(None, ge=1, le=30)
    vcpus: Whole | None = Field(None, ge=1, le=64)
    memory_mib: Whole | None = Field(None, ge=1, le=1024 * 1024)
    disk_gib: Whole | None = Field(None, ge=1, le=16 * 1024)
    ends_on: Day | None = None
    comment: Words = ""


class DenyIn(Body):
    reason: Words = Field(min_length=1)
