"""What a teacher could do differently next time, read from the figures of a class that is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from portal.core.errors import N_, Phrase

STUCK_SHARE = 4  # a step is worth a word if at least one in so many did not get past it
MANY_TRIES = 4  # tries for each who began the step
LONG_STEP = 2  # times its share of the class's minutes
SHORTEST_LONG_STEP = 5  # minutes; below, nobody minds
UNUSED_SHARE = 4  # as STUCK_SHARE, of the seats that were booked
FEWEST_UNUSED = 2
EARLY_SHARE = 3  # everybody was through with at least a third of the time left
RESET_SHARE = 3

NOBODY = N_(
    "Nobody came. Send the code and the address to the students beforehand, and cancel a class that falls away."
)
STUCK = N_("%(stuck)s of %(begun)s did not get past step %(number)s: plan more time for it or add a hint.")
TRIES = N_(
    "Step %(number)s took %(tries)s tries for each student: say in the guide what is checked, or let checks say more."
)
HINTS = N_("Steps at which nearly everybody opened hints: %(numbers)s. Write what they say into the guide itself.")
LONG = N_("Step %(number)s took %(minutes)s minutes as a rule: plan more time for it, or divide it.")
NOT_REACHED = N_("%(missing)s of %(came)s did not reach the last step: plan a longer class, or leave a step out.")
EARLY = N_("Everybody was through after %(minutes)s of %(planned)s minutes: a shorter class is enough, or add a step.")
UNUSED = N_("%(came)s came and %(booked)s seats were booked: book fewer next time, others can use the room.")
MISSING = N_("%(came)s came and only %(usable)s seats were usable: let an administrator look at why, or book more.")
FAILED = N_("Seats that failed, with a spare one in their place: %(failed)s. Let an administrator look at the hosts.")
RESETS = N_("Seats that began again: %(resets)s. Say in the guide what must not be done, or how to mend it.")
COLD = N_("The seats were booted, not restored, and took up to %(seconds)s seconds: ask an administrator why.")
FINE = N_("Nothing stood out: it can be taught like this again.")


@dataclass(frozen=True)
class StepFigures:
    """`minutes`: the median of those who passed; None if nobody did. `checked`: there is something to pass."""

    number: int
    begun: int
    passed: int
    tries: int = 0
    hints: int = 0
    minutes: float | None = None
    checked: bool = True

    @property
    def stuck(self) -> int:
        return self.begun - self.passed if self.checked else 0

    @property
    def is_hard(self) -> bool:
        return self.stuck > 0 and self.stuck * STUCK_SHARE >= self.begun


@dataclass(frozen=True)
class ClassFigures:
    """`through_after`: minutes until the last of all was through; None if not all were."""

    booked: int
    came: int
    planned_minutes: int
    steps: tuple[StepFigures, ...]
    usable: int = 0
    failed: int = 0
    resets: int = 0
    cold: int = 0
    slowest_s: int = 0
    through_after: int | None = None


def advice(figures: ClassFigures) -> tuple[Phrase, ...]:
    """Plain sentences, what matters most first; never none."""
    if not figures.came:
        return (Phrase(NOBODY), *of_seats(figures))
    return (*of_steps(figures), *of_time(figures), *of_numbers(figures), *of_seats(figures)) or (Phrase(FINE),)


def of_steps(figures: ClassFigures) -> Iterator[Phrase]:
    for step in figures.steps:
        if not step.begun:
            continue
        number = {"number": step.number}
        if step.is_hard:
            yield Phrase(STUCK, {**number, "stuck": step.stuck, "begun": step.begun})
        elif is_long(step, figures):
            yield Phrase(LONG, {**number, "minutes": round(step.minutes or 0)})
        if step.tries >= MANY_TRIES * step.begun:
            yield Phrase(TRIES, {**number, "tries": round(step.tries / step.begun)})
    hinted = [str(step.number) for step in figures.steps if step.begun and step.hints >= step.begun]
    if hinted:
        yield Phrase(HINTS, {"numbers": ", ".join(hinted)})


def is_long(step: StepFigures, figures: ClassFigures) -> bool:
    share = figures.planned_minutes / len(figures.steps)
    return step.minutes is not None and step.minutes > max(LONG_STEP * share, SHORTEST_LONG_STEP)


def of_time(figures: ClassFigures) -> Iterator[Phrase]:
    missing = figures.came - figures.steps[-1].begun if figures.steps else 0
    if missing > 0 and missing * STUCK_SHARE >= figures.came:
        yield Phrase(NOT_REACHED, {"missing": missing, "came": figures.came})
    after, planned = figures.through_after, figures.planned_minutes
    if after is not None and (planned - after) * EARLY_SHARE >= planned:
        yield Phrase(EARLY, {"minutes": after, "planned": planned})


def of_numbers(figures: ClassFigures) -> Iterator[Phrase]:
    unused = figures.booked - figures.came
    if unused >= FEWEST_UNUSED and unused * UNUSED_SHARE >= figures.booked:
        yield Phrase(UNUSED, {"came": figures.came, "booked": figures.booked})
    if figures.came > figures.usable:
        yield Phrase(MISSING, {"came": figures.came, "usable": figures.usable})
    if figures.resets and figures.resets * RESET_SHARE >= figures.came:
        yield Phrase(RESETS, {"resets": figures.resets})


def of_seats(figures: ClassFigures) -> Iterator[Phrase]:
    if figures.failed:
        yield Phrase(FAILED, {"failed": figures.failed})
    if figures.cold and figures.cold * 2 >= figures.usable:
        yield Phrase(COLD, {"seconds": figures.slowest_s})
