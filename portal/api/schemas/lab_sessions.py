"""Classes: booked, looked at, led."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StrictBool, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from portal.api.schemas.values import NO_NUL, Body, Day, Line, Moment, PageOut, PageQuery, Slug, Whole, Words
from portal.core.lifecycle import ClassApproval, LabSessionState, SeatState
from portal.core.recurrence import MOST_DATES
from portal.core.seat_signs import How, Sign
from portal.services.booking import LONGEST, MOST_SEATS, SHORTEST

Room = Annotated[str, StringConstraints(max_length=120, pattern=NO_NUL)]


Languages = Annotated[list[Literal["es", "en"]], Field(min_length=1, max_length=2)]


class RepeatIn(Body):
    """The same local time on other days too: every week, or on listed days."""

    times: Whole | None = Field(None, ge=2, le=MOST_DATES, description="Weekly, so many times with the first.")
    dates: list[Day] | None = Field(None, max_length=MOST_DATES, description="Further days.")
    without: list[Day] = Field([], max_length=MOST_DATES, description="Days of the series that are left out.")

    @model_validator(mode="after")
    def one_of_both(self) -> Self:
        if (self.times is None) == (self.dates is None):
            raise PydanticCustomError("one_of_both", "give either times or dates")
        return self


class PersonIn(Body):
    name: Line
    email: Line = ""


class BookIn(Body):
    lab: Slug
    starts_at: Moment
    minutes: Whole = Field(ge=SHORTEST, le=LONGEST)
    seats: Whole = Field(ge=1, le=MOST_SEATS)
    room: Room = ""
    repeat: RepeatIn | None = None
    department: Slug | None = Field(None, description="Only for who teaches in several.")
    people: list[Line | PersonIn] = Field(
        [], max_length=MOST_SEATS, description="Names, or names with mail addresses; each gets a personal link."
    )
    only_listed: StrictBool = Field(False, description="The code opens nothing; only personal links do.")
    languages: Languages = Field(["es", "en"], description="Of the guide; the first one leads.")


class LabSessionsQuery(PageQuery):
    past: bool = False
    text: Line = Field("", description="Looked for in the lab's short name, the room and the code.")


class ApprovalOut(BaseModel):
    """While it is `waiting` the class's room is kept, and nothing is made for it."""

    state: ClassApproval
    asked_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    comment: str


class LabSessionOut(BaseModel):
    id: UUID
    state: LabSessionState
    lab: str
    lab_version: int
    starts_at: datetime
    ends_at: datetime
    room: str
    department: str
    teacher: str
    join_code: str = Field(description="What students type in; only the class's teacher sees it.")
    seats_booked: int
    spares: int
    prepare_at: datetime | None
    opened_at: datetime | None
    ended_at: datetime | None
    locked: bool
    only_listed: bool
    languages: list[str] = Field(description="Students read their own if it is among them, else the first.")
    notice: str
    approval: ApprovalOut
    series: UUID | None = Field(description="The same for all dates that were booked together.")
    trouble: str | None = None


class SeatSignOut(BaseModel):
    """One thing that was looked for at a seat. The first three make it ready; network and doors are looked at beside.

    `cloned`: its host said that its machines are made; `running`: its host shows them running; `answers`: each answers
    by its agent, or without one by its marker or port; `network`: each answers at its address inside the seat's
    network; `doors`: each accepted a connection once. A door that is not open yet is no failure.
    """

    sign: Sign
    how: How = Field(description="`none`: the lab has no such thing, or the seat was given up before.")
    first_seen_at: datetime | None
    missing: list[str] = Field(description="Machines, or doors, that lacked it at the last look.")


class SeatOut(BaseModel):
    """`ready_at` is null while the seat is being made."""

    id: UUID
    number: int
    state: SeatState
    student: str | None
    step: str | None = Field(description="Where the student's guide is open.")
    ready_at: datetime | None
    warm: bool | None = Field(description="Restored from memory rather than booted; null before it was made.")
    resets: int
    trouble: str | None = None
    replaced_at: datetime | None = Field(None, description="When it was given up and another one stood in.")
    why: str | None = Field(None, description="What keeps it from serving now, in a sentence.")
    signs: list[SeatSignOut] = Field(description="In the order in which a seat shows them.")


class StudentOut(BaseModel):
    id: UUID
    name: str
    seat: int | None
    step: str | None
    passed: int = Field(description="How many steps are done.")
    hand: str | None = Field(description="Null while the hand is down; else what was written with it, if anything.")


class LabSessionDetailOut(LabSessionOut):
    seats: list[SeatOut]
    students: list[StudentOut]


class DateOut(BaseModel):
    id: UUID
    starts_at: datetime


class LinkOut(BaseModel):
    lab_session: UUID
    name: str
    email: str
    link: str = Field(description="Whoever opens it is this person in the class.")


class BookedOut(LabSessionOut):
    """The first class; `dates` are all that were booked with it, each a class of its own."""

    dates: list[DateOut]
    links: list[LinkOut] = Field(
        description="One for each of `people` and each date. Shown this once: the same call again has none."
    )


class LabSessionsOut(PageOut):
    items: list[LabSessionOut]


class ResetIn(Body):
    seats: list[Whole] | None = Field(
        None, max_length=200, description="Numbers of seats; all that somebody sits at if it is missing."
    )


class ResetOut(BaseModel):
    begun: int = Field(description="How many seats begin again; those that are being made already do not.")


class MessageIn(Body):
    text: Words = Field(description="Empty takes the message away.")


class LockIn(Body):
    locked: StrictBool = True
