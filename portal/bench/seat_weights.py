"""What the memory of a class's machines takes of the hosts: at once, after a while, and with equal pages merged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from portal.bench.ksm import Merged, is_mergeable, merging, wait_until_merged
from portal.bench.spent import name_of
from portal.bench.tables import Table
from portal.bench.weight import descendants, held_by
from portal.core.errors import PortalError
from portal.minicluster import Minicluster

SETTLE_S = 15.0


@dataclass(frozen=True)
class SeatWeights:
    """MiB of all machines together (PSS). `refusal` says why there is no figure with merging, if one was wanted."""

    seats: int
    at_once: float
    settled: float
    merged: float | None = None
    by_kernel: Merged | None = None
    refusal: str = ""

    def row(self) -> dict[str, str | float | int | bool]:
        row: dict[str, str | float | int | bool] = {
            "seats": self.seats,
            "at once MiB": self.at_once / self.seats,
            "settled MiB": self.settled / self.seats,
        }
        if self.refusal:
            row["with KSM MiB"] = f"not possible here: {self.refusal}"
        if self.merged is not None and self.by_kernel is not None:
            row |= {
                "with KSM MiB": self.merged / self.seats,
                "saved MiB": (self.settled - self.merged) / self.seats,
                "saved %": 100 * (1 - self.merged / self.settled),
                "pages_sharing MiB": self.by_kernel.saved_mib,
                "merging s": self.by_kernel.seconds,
                "ksmd s": self.by_kernel.busy_s,
            }
        return row


def weigh_seats(state_dir: Path, seats: int, *, ksm: bool) -> SeatWeights:
    """Of the machines that run on this minicluster now."""
    at_once = held_mib(machines_of(state_dir))
    time.sleep(SETTLE_S)
    pids = machines_of(state_dir)
    settled = held_mib(pids)
    if not ksm:
        return SeatWeights(seats, at_once, settled)
    if not all(is_mergeable(pid) for pid in pids):
        return SeatWeights(seats, at_once, settled, refusal="QEMU does not offer its memory for merging")
    try:
        with merging():
            by_kernel = wait_until_merged()
            return SeatWeights(seats, at_once, settled, held_mib(pids), by_kernel)
    except PortalError as trouble:
        return SeatWeights(seats, at_once, settled, refusal=str(trouble))


def machines_of(state_dir: Path) -> list[int]:
    first = Minicluster(state_dir).first_processes().values()
    return [pid for host in first for pid in descendants(host) if name_of(pid).startswith("qemu-system")]


def held_mib(pids: Sequence[int]) -> float:
    return sum(held_by(pid).own for pid in pids)


def weights_table(found: Sequence[SeatWeights]) -> Table:
    columns = ("seats", "at once MiB", "settled MiB", "with KSM MiB", "saved MiB", "saved %")
    by_kernel = ("pages_sharing MiB", "merging s", "ksmd s")
    notes = (
        f"A seat's share of what QEMU holds (PSS), restored from memory: when ready, {SETTLE_S:.0f} s later, and with",
        "equal pages merged. “pages_sharing” is the kernel's count for the whole machine, “ksmd” its own time for it.",
    )
    return Table("Memory of a seat", (*columns, *by_kernel), [one.row() for one in found], notes)
