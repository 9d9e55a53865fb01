"""Shapes that several nouns share. Bodies are strict: no unknown field, no number written as text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

ISO_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")
NO_NUL = r"^[^\x00]*$"  # PostgreSQL keeps no NUL in text


def only_iso_day(value: Any) -> Any:
    """Not a number of seconds, not a time of day: a day."""
    if value is None or isinstance(value, date) or (isinstance(value, str) and ISO_DAY.match(value)):
        return value
    raise ValueError("a day is written as YYYY-MM-DD")


def only_moment(value: Any) -> datetime:
    """ISO 8601 with its offset, in UTC: a time without one could be anywhere's."""
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise PydanticCustomError("moment", "a moment is written with its offset, as in 2027-01-31T09:30:00+01:00")


Moment = Annotated[datetime, BeforeValidator(only_moment)]
Day = Annotated[date, BeforeValidator(only_iso_day)]
Whole = Annotated[int, Strict()]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=NO_NUL)]
Line = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
Words = Annotated[str, StringConstraints(max_length=2000, pattern=NO_NUL)]


class Body(BaseModel):
    """What a call sends."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class PageQuery(BaseModel):
    """`?state=` counts as if it were not there: a filter that is not set."""

    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1, le=2000)
    limit: int = Field(50, ge=1, le=200, description="Items on a page.")

    @model_validator(mode="before")
    @classmethod
    def without_empty(cls, values: Any) -> Any:
        return {name: value for name, value in values.items() if value not in ("", [""])}


class PageOut(BaseModel):
    """`total` is counted up to a bound: with `more` there are at least so many."""

    page: int
    pages: int
    total: int
    more: bool = False


class AmountOut(BaseModel):
    machines: int
    vcpus: int
    memory_mib: int
    disk_gib: int
