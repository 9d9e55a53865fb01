"""Classes side by side in one run: the raw limit of restoring, ours warm, ours cold, and the plain playbook."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from portal.bench import our_classes, raw, raw_classes
from portal.bench.ground import TEMPLATE, Ground, Say, templates_of
from portal.bench.our_classes import ClassRun
from portal.bench.seat_weights import SeatWeights, weigh_seats, weights_table
from portal.bench.tables import Table
from portal.core.lifecycle import SeatImageState

SETTLE_S = 3.0
AIM_FACTOR, AIM_S = 1.3, 3.0  # warm: at most so many times raw, and so many seconds
RESET_AIM_S = 3.0
WARM_AIM, WARM_AIM_SEATS = 15.0, 10  # a Debian lab: cold takes at least so many times as long as warm


@dataclass
class Measured:
    """All that was seen for one number of seats."""

    seats: int
    tiny: bool = True  # all machines are micro-linux, which boots as fast as it is restored
    raw: list[float] = field(default_factory=list)
    warm: list[ClassRun] = field(default_factory=list)
    cold: list[ClassRun] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    weights: list[SeatWeights] = field(default_factory=list)

    def row(self) -> dict[str, str | float | int | bool]:
        raw_s, warm_s = median(self.raw), median(run.seconds for run in self.warm)
        reset_s = median(run.reset_s for run in self.warm)
        aim = AIM_FACTOR * raw_s + AIM_S
        row: dict[str, str | float | int | bool] = {
            "seats": self.seats,
            "raw s": raw_s,
            "warm s": warm_s,
            "warm / raw": warm_s / raw_s,
            "aim s": aim,
            "aim": warm_s <= aim,
            "reset s": reset_s,
            "reset": reset_s <= RESET_AIM_S,
            "cleared s": median(run.cleared_s for run in self.warm),
        }
        if self.cold:
            cold_s = median(run.seconds for run in self.cold)
            row |= {"cold s": cold_s, "cold / warm": cold_s / warm_s}
            if not self.tiny and self.seats == WARM_AIM_SEATS:
                row["15 x"] = cold_s / warm_s >= WARM_AIM
        if self.plain:
            row["plain s"] = median(self.plain)
        return row


def bench_classes(
    ground: Ground, slug: str, counts: Sequence[int], *, rounds: int, cold: bool, plain: bool, ksm: bool, say: Say
) -> tuple[Table, ...]:
    """The table of seconds, what ours spends them on, and what a seat takes of memory."""
    tiny = set(templates_of(slug)) == {TEMPLATE}
    if plain and not tiny:
        say("the plain playbook is left out: it makes machines of micro-linux only")
    say("making the lab's image: one seat is booted and saved")
    first = our_classes.run_class(ground, slug, 1, warm=True)
    say(f"  {first.seconds:.2f} s")
    raw.warm_up(ground)
    try:
        found = [Measured(count, tiny) for count in counts]
        for one in found:
            weigh(ground, slug, one, ksm=ksm, say=say)
            measure(ground, slug, one, rounds, cold=cold, plain=plain and tiny, say=say)
    finally:
        raw_classes.remove_restored(ground)
        raw.remove_all(ground)
        raw.end_connections(ground)
    return (
        seconds_table(slug, found, rounds),
        phases_table(found),
        weights_table([weights for one in found for weights in one.weights]),
    )


def weigh(ground: Ground, slug: str, found: Measured, *, ksm: bool, say: Say) -> None:
    """A class by itself, so that nothing that is timed waits for the scales or the kernel's merging."""
    say(f"{found.seats} seats: their memory")
    our_classes.set_images(ground.site, SeatImageState.READY)
    state_dir = ground.inventory.cabinet.parent

    def put_on_scales() -> None:
        found.weights.append(weigh_seats(state_dir, found.seats, ksm=ksm))

    our_classes.run_class(ground, slug, found.seats, warm=True, when_ready=put_on_scales)
    time.sleep(SETTLE_S)


def measure(ground: Ground, slug: str, found: Measured, rounds: int, *, cold: bool, plain: bool, say: Say) -> None:
    """Interleaved, so that a busy moment of this machine meets everybody."""
    count = found.seats
    our_classes.set_images(ground.site, SeatImageState.READY)
    image = our_classes.image_of(ground.site, slug)
    _version, design = our_classes.newest_version(ground.site, slug)
    for number in range(1, rounds + 1):
        say(f"{count} seats, round {number} of {rounds}")
        found.raw.append(raw_classes.seconds_of_restoring(ground, count, image, design.parts[0].machine.name))
        say(f"  raw limit: {found.raw[-1]:.2f} s")
        raw_classes.remove_restored(ground)
        time.sleep(SETTLE_S)
        found.warm.append(our_classes.run_class(ground, slug, count, warm=True))
        say(f"  warm: {found.warm[-1].seconds:.2f} s, {found.warm[-1].warm} seats restored")
        time.sleep(SETTLE_S)
        if cold:
            found.cold.append(our_classes.run_class(ground, slug, count, warm=False))
            say(f"  cold: {found.cold[-1].seconds:.2f} s")
            time.sleep(SETTLE_S)
        if plain:
            found.plain.append(raw_classes.seconds_of_plain_boot(ground, count))
            say(f"  plain playbook: {found.plain[-1]:.2f} s")
            raw.remove_all(ground)
            time.sleep(SETTLE_S)


def seconds_table(slug: str, found: Sequence[Measured], rounds: int) -> Table:
    columns = (
        "seats",
        "raw s",
        "warm s",
        "warm / raw",
        "aim s",
        "aim",
        "cold s",
        "cold / warm",
        "15 x",
        "plain s",
        "reset s",
        "reset",
        "cleared s",
    )
    notes = (
        f"Seconds until all seats serve (their agents answer, or they have said so); the median of {rounds}.",
        "Raw: a bare script restores the first machine of the lab's image; plain: the clone playbook, booted.",
        f"Aims: warm within {AIM_FACTOR} x raw + {AIM_S:.0f} s, the reset of one seat within {RESET_AIM_S:.0f} s;",
        f"of a Debian lab with {WARM_AIM_SEATS} seats: cold / warm at least {WARM_AIM:.0f}.",
    )
    return Table(f"A class of {slug}", columns, [one.row() for one in found], notes)


def phases_table(found: Sequence[Measured]) -> Table:
    names = list(found[0].warm[0].phases) if found else []
    rows = [
        {"seats": one.seats, **{name: median(run.phases.get(name, 0.0) for run in one.warm) for name in names}}
        for one in found
    ]
    return Table("What a warm class spends its seconds on", ("seats", *names), rows)
