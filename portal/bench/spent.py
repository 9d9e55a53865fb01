"""How much of the processors' time a program has spent, with its children, those that have ended included."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from portal.bench.weight import descendants

TICKS_S = os.sysconf("SC_CLK_TCK")
AFTER_NAME = 2  # in /proc/<pid>/stat: the first field behind the name is the third
USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM = 14, 15, 16, 17


def seconds_by(pids: Mapping[str, int]) -> dict[str, float]:
    """By name the seconds so far, of user and system together."""
    return {name: seconds_of([pid, *descendants(pid)]) for name, pid in pids.items()}


def seconds_of(pids: list[int]) -> float:
    """A process that is gone counts nothing by itself: its parent has its time."""
    return sum(ticks_of(stat) for pid in pids if (stat := read_stat(pid))) / TICKS_S


def read_stat(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def ticks_of(stat: str) -> int:
    fields = stat[stat.rindex(")") + 2 :].split()
    return sum(int(fields[number - AFTER_NAME - 1]) for number in (USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM))


def name_of(pid: int) -> str:
    stat = read_stat(pid)
    return stat[stat.index("(") + 1 : stat.rindex(")")] if stat else ""


def spent_since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before.get(name, 0.0) for name in after}
