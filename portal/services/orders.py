"""What a person orders, and how it is checked against the template, the days and the quota."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from portal.interfaces import Json


@dataclass(frozen=True)
class Order:
    """The form's answers. All but the template may be missing while a person is still choosing (see `estimate`).

    `department_id` may be None for who belongs to one department. `form_key` is the same for each submit of one form.
    `parameters` may be text as a form sends it ("30", "on"); they become typed values when they are checked.
    """

    template: str
    size: str = ""
    name: str = ""
    copies: int = 1
    purpose: str = ""
    ends_on: date | None = None
    starts_on: date | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    department_id: UUID | None = None
    form_key: str | None = None
