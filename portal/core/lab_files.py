"""The files of a lab by their names: which there are, and how large each may be."""

from __future__ import annotations

import re
from collections.abc import Mapping

from portal.core.errors import N_, Conflict, Invalid, NotFound
from portal.core.guides import MAX_BYTES as MOST_GUIDE_BYTES

LAB_FILE = "lab.yml"
GUIDES = {"es": "guide.es.md", "en": "guide.en.md"}
MAIN_FILES = (LAB_FILE, *GUIDES.values())
SCRIPT = re.compile(r"(?:checks|solutions)/[A-Za-z0-9][A-Za-z0-9_-]{0,59}\.sh")
MOST_YAML_BYTES = 256 * 1024
MOST_SCRIPT_BYTES = 16 * 1024
MOST_FILES = 200
MOST_BYTES = 2 * 1024 * 1024  # of a whole lab


def most_bytes(name: str) -> int:
    if name == LAB_FILE:
        return MOST_YAML_BYTES
    return MOST_GUIDE_BYTES if name in GUIDES.values() else MOST_SCRIPT_BYTES


def language_of(name: str) -> str | None:
    """The language of a guide; None for all other files."""
    return next((language for language, guide in GUIDES.items() if guide == name), None)


def in_order(files: Mapping[str, object]) -> list[str]:
    """lab.yml, the guides, then the scripts by name."""
    return sorted(files, key=lambda name: (MAIN_FILES.index(name) if name in MAIN_FILES else len(MAIN_FILES), name))


def check_size(name: str, text: str) -> None:
    """Raise Invalid for a text that is too large for its file."""
    most = most_bytes(name)
    if len(text.encode(errors="replace")) > most:
        raise Invalid(N_("This is larger than %(most)s KiB. Please shorten it."), field="text", most=most // 1024)


def check_whole(files: Mapping[str, str]) -> None:
    if len(files) > MOST_FILES:
        raise Invalid(N_("A lab has at most %(most)s files."), field="name", most=MOST_FILES)
    if sum(len(text.encode(errors="replace")) for text in files.values()) > MOST_BYTES:
        raise Invalid(
            N_("All files of a lab together have at most %(most)s KiB."), field="text", most=MOST_BYTES // 1024
        )


def check_new_script(files: Mapping[str, str], name: str) -> None:
    if not SCRIPT.fullmatch(name):
        raise Invalid(N_("Write a name such as checks/name.sh or solutions/name.sh."), field="name")
    if name in files:
        raise Conflict(N_("There is already a file “%(name)s”."), field="name", name=name)


def text_of(files: Mapping[str, str], name: str) -> str:
    if name not in files:
        raise NotFound(N_("This lab has no file “%(name)s”."), name=name[:80])
    return files[name]
