"""The kernel's merging of equal pages (KSM): switched on for a while, and put back as it was, whatever happens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.bench.spent import name_of, seconds_of
from portal.core.errors import N_, OutsideUnavailable

FOLDER = Path("/sys/kernel/mm/ksm")
EAGER = {"pages_to_scan": "20000", "sleep_millisecs": "20", "run": "1"}  # a bench cannot wait for the kernel's own pace
SCANS = 3  # the first only remembers what it saw
PATIENCE_S = 180.0
PAGES_IN_MIB = 256


@dataclass(frozen=True)
class Merged:
    """`saved_mib` by pages that stand for others, `seconds` until everything was looked at, `busy_s` of a processor."""

    saved_mib: float
    seconds: float
    busy_s: float


@contextmanager
def merging(folder: Path = FOLDER) -> Iterator[None]:
    """Raises OutsideUnavailable, with the reason, where the kernel has no such thing or does not let us."""
    try:
        before = {name: (folder / name).read_text() for name in EAGER}
    except OSError as error:
        raise OutsideUnavailable(N_("this kernel merges no pages: %(reason)s"), reason=error.strerror or "?") from error
    try:
        write(folder, EAGER)
        yield
    finally:
        write(folder, before)


def write(folder: Path, values: dict[str, str]) -> None:
    try:
        for name, value in values.items():
            (folder / name).write_text(value)
    except OSError as error:
        raise OutsideUnavailable(N_("the kernel refuses: %(reason)s"), reason=error.strerror or "?") from error


def wait_until_merged(folder: Path = FOLDER) -> Merged:
    """Until everything was looked at some times, or for as long as a bench may take."""
    began, shared, worker = time.monotonic(), number(folder, "pages_sharing"), pid_of_worker()
    busy, until = seconds_of(worker), number(folder, "full_scans") + SCANS
    while number(folder, "full_scans") < until and time.monotonic() < began + PATIENCE_S:
        time.sleep(0.5)
    saved = (number(folder, "pages_sharing") - shared) / PAGES_IN_MIB
    return Merged(saved, time.monotonic() - began, seconds_of(worker) - busy)


def number(folder: Path, name: str) -> int:
    return int((folder / name).read_text())


def pid_of_worker() -> list[int]:
    """The kernel's own thread for it."""
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in pids if name_of(pid) == "ksmd"][:1]


def is_mergeable(pid: int) -> bool:
    """Whether the process has offered memory for merging, as QEMU does unless it is told not to."""
    try:
        lines = Path(f"/proc/{pid}/smaps").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return any(line.startswith("VmFlags:") and "mg" in line.split() for line in lines)
