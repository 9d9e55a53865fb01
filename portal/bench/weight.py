"""How much memory a program holds, with its children."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Held:
    """Memory of one program with its children, in MiB. `own` shares out what processes have in common (PSS)."""

    resident: float
    own: float

    def __add__(self, other: Held) -> Held:
        return Held(self.resident + other.resident, self.own + other.own)


def held_by(pid: int) -> Held:
    """A process that ended meanwhile holds nothing."""
    found = Held(0.0, 0.0)
    for one in [pid, *descendants(pid)]:
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += Held(kib(text, "Rss") / 1024, kib(text, "Pss") / 1024)
    return found


def kib(text: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) if found else 0


def descendants(pid: int) -> Iterator[int]:
    """Threads and processes may end while they are listed."""
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = tasks.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in map(int, children.split()):
            yield child
            yield from descendants(child)
