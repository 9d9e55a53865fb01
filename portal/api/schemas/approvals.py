"""Decisions."""

from __future__ import annotations

from pydantic import Field

from portal.api.schemas.values import Body, Day, Slug, Whole, Words


class ApproveIn(Body):
    """Less than was asked for, if wished."""

    size: Slug | None = None
    copies: Whole | None = Field(None, ge=1, le=30)
    ends_on: Day | None = None
    comment: Words = ""


class DenyIn(Body):
    reason: Words = Field(min_length=1)
