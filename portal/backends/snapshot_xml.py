"""Snapshots as libvirt writes them, and back; names are checked before anything is made."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

from portal.core.errors import N_, Invalid
from portal.interfaces import Snapshot

NAME = re.compile(r"\w[\w .-]{0,62}")
LONGEST_DESCRIPTION = 1000


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise Invalid(N_("A snapshot's name has letters, digits, spaces, dots and dashes, at most 63."), field="name")


def snapshot_xml(name: str, description: str) -> str:
    check_name(name)
    if len(description) > LONGEST_DESCRIPTION:
        raise Invalid(N_("The description is too long."), field="description")
    root = ElementTree.Element("domainsnapshot")
    ElementTree.SubElement(root, "name").text = name
    ElementTree.SubElement(root, "description").text = "".join(c for c in description if c.isprintable() or c == "\n")
    return ElementTree.tostring(root, encoding="unicode")


def read_snapshot(xml: str) -> Snapshot:
    root = ElementTree.fromstring(xml)  # noqa: S314 - from the host's own libvirt
    taken_at = datetime.fromtimestamp(int(root.findtext("creationTime") or 0), UTC)
    return Snapshot(root.findtext("name") or "", root.findtext("description") or "", taken_at)
