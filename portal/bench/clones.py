"""Cloning side by side in one run: the raw limit, ours, and the plain playbook, each time on empty hosts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from portal.bench import ours, plain, raw
from portal.bench.ground import Ground, Say
from portal.bench.tables import Table

THREADS = (2, 4, 8)  # on each host; the best of them is the raw limit
SETTLE_S = 2.0
AIMS = {1: (1.0, 2.5), 10: (2.0, 0.0), 30: (1.5, 3.0)}  # count: at most factor x raw + seconds


@dataclass
class Measured:
    """All seconds that were seen for one count."""

    count: int
    raw: dict[int, list[float]] = field(default_factory=dict)
    together: list[float] = field(default_factory=list)
    ours: list[ours.OurRun] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)

    @property
    def raw_s(self) -> float:
        return min(median(seconds) for seconds in self.raw.values())

    @property
    def best_threads(self) -> int:
        return min(self.raw, key=lambda threads: median(self.raw[threads]))

    @property
    def ours_s(self) -> float:
        return median(run.seconds for run in self.ours)

    @property
    def plain_s(self) -> float | None:
        return median(self.plain) if self.plain else None

    def phase(self, name: str) -> float:
        return median(run.phases[name] for run in self.ours)


def bench_clones(
    ground: Ground, counts: Sequence[int], *, rounds: int, say: Say, with_plain: bool = True
) -> tuple[Table, Table]:
    """The table of seconds, and what ours spends them on."""
    raw.warm_up(ground)
    try:
        found = [measure(ground, count, rounds, say, with_plain=with_plain) for count in counts]
    finally:
        raw.remove_all(ground)
        raw.end_connections(ground)
    return seconds_table(found, rounds), phases_table(found)


def measure(ground: Ground, count: int, rounds: int, say: Say, *, with_plain: bool) -> Measured:
    """Interleaved, so that a busy moment of this machine meets everybody."""
    found = Measured(count)
    for number in range(1, rounds + 1):
        say(f"{count} machines, round {number} of {rounds}")
        for threads in THREADS if count > 1 else THREADS[:1]:
            seconds = raw.seconds_of_raw(ground, count, threads)
            found.raw.setdefault(threads, []).append(seconds)
            say(f"  raw limit, {threads} threads a host: {seconds:.2f} s")
            settle_bare(ground)
        found.together.append(raw.seconds_of_raw(ground, count, THREADS[-1], together=True))
        say(f"  raw, paused until all are started: {found.together[-1]:.2f} s")
        settle_bare(ground)
        run = ours.run_ours(ground, count, f"{count}-{number}")
        found.ours.append(run)
        say(f"  ours: {run.seconds:.2f} s")
        ours.take_away(ground.site)
        time.sleep(SETTLE_S)
        if with_plain:
            found.plain.append(plain.seconds_of_plain(ground, count))
            say(f"  plain playbook: {found.plain[-1]:.2f} s")
            settle_bare(ground)
    return found


def settle_bare(ground: Ground) -> None:
    raw.remove_all(ground)
    time.sleep(SETTLE_S)


def seconds_table(found: Sequence[Measured], rounds: int) -> Table:
    columns = (
        "machines",
        "raw s",
        "threads",
        "raw together s",
        "ours s",
        "plain s",
        "ours / raw",
        "plain / ours",
        "aim s",
        "aim",
    )
    notes = (
        f"Seconds until all machines run; the median of {rounds}. Raw: the best of several numbers of threads a host.",
        "Raw together: the same script, but no guest boots before its host has started all. Ours does that too.",
        "Aims: 1 within raw + 2.5 s, 10 within 2 x raw, 30 within 1.5 x raw + 3 s. Other counts have none.",
    )
    return Table("Cloning micro-linux", columns, [row_of(one) for one in found], notes)


def row_of(one: Measured) -> dict[str, str | float | int | bool]:
    row: dict[str, str | float | int | bool] = {
        "machines": one.count,
        "raw s": one.raw_s,
        "threads": one.best_threads,
        "raw together s": median(one.together),
        "ours s": one.ours_s,
        "ours / raw": one.ours_s / one.raw_s,
    }
    if one.plain_s is not None:
        row |= {"plain s": one.plain_s, "plain / ours": one.plain_s / one.ours_s}
    if one.count in AIMS:
        factor, seconds = AIMS[one.count]
        aim = factor * one.raw_s + seconds
        row |= {"aim s": aim, "aim": one.ours_s <= aim}
    return row


def phases_table(found: Sequence[Measured]) -> Table:
    rows = [{"machines": one.count, **{name: one.phase(name) for name in ours.PHASES}} for one in found]
    notes = ("“ansible ends” comes after the machines run and does not count.",)
    return Table("What ours spends its seconds on", ("machines", *ours.PHASES), rows, notes)
