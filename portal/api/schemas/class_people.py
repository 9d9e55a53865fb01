"""Who may come to a class by a personal link."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, Field, StrictBool

from portal.api.schemas.lab_sessions import LinkOut, PersonIn
from portal.api.schemas.values import Body, Line
from portal.services.booking import MOST_SEATS


class ListedOut(BaseModel):
    id: UUID
    name: str
    email: str
    came: bool = Field(description="They opened their link and are a student of the class.")


class PeopleOut(BaseModel):
    only_listed: bool
    items: list[ListedOut]


class InviteIn(Body):
    people: list[Line | PersonIn] = Field(min_length=1, max_length=MOST_SEATS)


class RenewIn(Body):
    people: list[UUID] | None = Field(
        None, min_length=1, max_length=200, description="Ids; all who have not come yet if it is missing."
    )


class OnlyListedIn(Body):
    only_listed: StrictBool


class LinksOut(BaseModel):
    links: list[LinkOut] = Field(description="Shown this once: the same call again, with the same key, has none.")
