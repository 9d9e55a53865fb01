"""Reads files that somebody else has put there: regular ones only, and never more than a bound."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

READING = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """At most so many bytes. Raises OSError for what is no regular file: a pipe would keep the reader for ever."""
    return read_open(os.open(path, READING), most_bytes, str(path))


def read_inside(folder: Path, name: str, most_bytes: int) -> bytes:
    """The same for a file below `folder`, reached over no symbolic link and never by way of "..": else OSError."""
    *folders, last = name.split("/")
    here = os.open(folder, READING | os.O_DIRECTORY)
    try:
        for part in folders:
            below = os.open(checked_part(part), READING | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
        return read_open(os.open(checked_part(last), READING | os.O_NOFOLLOW, dir_fd=here), most_bytes, name)
    finally:
        os.close(here)


def checked_part(part: str) -> str:
    if part in {"", ".", ".."}:
        raise OSError(errno.EINVAL, "leads elsewhere", part)
    return part


def read_open(handle: int, most_bytes: int, name: str) -> bytes:
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", name)
        return file.read(most_bytes)
