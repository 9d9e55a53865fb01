"""Changes of classes, and of several dates of a series."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from portal.api.schemas.lab_sessions import DateOut, LabSessionOut, Languages, Room
from portal.api.schemas.values import Body, Moment, Whole, Words
from portal.core.recurrence import MOST_DATES
from portal.core.series import Scope
from portal.services.booking import MOST_SEATS


class ChangeIn(Body):
    """What is not there stays as it is."""

    scope: Scope = Field(Scope.THIS, description="`following` takes this date along.")
    starts_at: Moment | None = Field(None, description="Of this date.")
    seats: Whole | None = Field(None, ge=1, le=MOST_SEATS)
    room: Room | None = None
    languages: Languages | None = None
    skip: list[UUID] = Field([], max_length=MOST_DATES, description="Dates of the series that stay as they are.")


class CancelIn(Body):
    reason: Words = ""
    scope: Scope = Scope.THIS


class ChangedOut(LabSessionOut):
    dates: list[DateOut] = Field(description="All that were changed.")
