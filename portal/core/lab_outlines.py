"""What stands in a lab.yml as far as it can be made out, right or wrong, to be filled into forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.core.templates import Words

MOST_MACHINES = 12  # twice of what a lab may have


@dataclass(frozen=True)
class OutlinedMachine:
    name: str
    label: Words
    template: str
    size: str


@dataclass(frozen=True)
class LabOutline:
    title: Words
    summary: Words
    subject: str
    level: str
    minutes: int | None
    machines: tuple[OutlinedMachine, ...]


def outline_of(values: Mapping[str, Any]) -> LabOutline:
    """What is missing is empty, what is something else than it should be is left out."""
    machines = values.get("machines")
    minutes = values.get("minutes")
    return LabOutline(
        title=words_in(values.get("title")),
        summary=words_in(values.get("summary")),
        subject=text_in(values.get("subject")),
        level=text_in(values.get("level")),
        minutes=minutes if isinstance(minutes, int) and not isinstance(minutes, bool) else None,
        machines=tuple(
            machine_in(one) for one in (machines if isinstance(machines, list) else [])[:MOST_MACHINES]
        ),  # fmt: skip
    )


def machine_in(value: Any) -> OutlinedMachine:
    values = value if isinstance(value, Mapping) else {}
    return OutlinedMachine(
        text_in(values.get("name")),
        words_in(values.get("label")),
        text_in(values.get("template")),
        text_in(values.get("size")),
    )


def words_in(value: Any) -> Words:
    values = value if isinstance(value, Mapping) else {}
    return Words(text_in(values.get("es")), text_in(values.get("en")))


def text_in(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
