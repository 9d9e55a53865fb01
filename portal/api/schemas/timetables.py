"""A whole timetable, tried out or booked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StrictBool, StringConstraints

from portal.api.schemas.values import NO_NUL, Body, Slug, Whole
from portal.core.timetables import MOST_BYTES
from portal.services.booking import MOST_SEATS
from portal.services.timetables import Verdict

Timetable = Annotated[str, StringConstraints(min_length=1, max_length=MOST_BYTES, pattern=NO_NUL)]


class TimetableIn(Body):
    text: Timetable = Field(description="A calendar (iCalendar), or a table with one class a line.")
    seats: Whole = Field(12, ge=1, le=MOST_SEATS, description="Where a line does not say how many.")
    department: Slug | None = Field(None, description="Only for who teaches in several.")
    book: StrictBool = Field(False, description="Book what fits; else it is only tried out and nothing is changed.")


class LineOut(BaseModel):
    number: int = Field(description="Of the line or event, counted from 1.")
    text: str
    verdict: Verdict
    lab: str | None = None
    starts_at: datetime | None = None
    minutes: int | None = None
    seats: int | None = None
    room: str = ""
    needs_approval: bool = Field(False, description="So large that it waits (or would wait) for somebody's approval.")
    troubles: list[str] = Field(description="Why not, in the caller's language.")
    alternatives: list[datetime] = Field(description="The nearest times that fit.")


class TimetableOut(BaseModel):
    booked: int
    lines: list[LineOut]
