"""Reads `labs/<slug>/`: each folder becomes a checked LabSpec or a BrokenLab, never an exception."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from portal.backends.bounded_files import read_inside
from portal.backends.lab_reading import broken, read_lab_from
from portal.core.errors import N_
from portal.core.labs import BrokenLab, LabSpec

MAX_FOLDERS = 500


def read_labs(labs_dir: Path) -> list[LabSpec | BrokenLab]:
    """All folders in order of their names. A folder whose name starts with a dot or "_" is left aside."""
    if not labs_dir.is_dir():
        return []
    folders = sorted(path for path in labs_dir.iterdir() if path.is_dir() and path.name[0] not in "._")
    return [read_lab(folder) for folder in folders[:MAX_FOLDERS]]


def read_lab(folder: Path) -> LabSpec | BrokenLab:
    """One folder, with its guides and the scripts that it names."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,58}", folder.name):
        return broken(folder.name, N_("the folder's name must be small letters, digits and hyphens"))
    return read_lab_from(partial(read_inside, folder), folder.name)
