"""The mark of a seat in the definition of each of its machines, as the playbooks write it."""

from __future__ import annotations

from uuid import UUID
from xml.etree.ElementTree import ParseError, fromstring


def read_seat_mark(xml: str) -> UUID | None:
    """The seat's id; None if there is no mark, or one that makes no sense."""
    try:
        return UUID(fromstring(xml).get("id"))  # noqa: S314 - libvirt wrote it
    except (ParseError, ValueError, TypeError):
        return None
