"""What machines take and what a department may take: amounts that can be added, and quotas they must fit in."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.errors import N_

MEASURES = ("machines", "vcpus", "memory_mib", "disk_gib")
MEASURE_NAMES = {
    "machines": N_("machines"),
    "vcpus": N_("processors"),
    "memory_mib": N_("memory"),
    "disk_gib": N_("disk"),
}


@dataclass(frozen=True)
class Amount:
    """Machines with all that they take. An amount may be negative: what is missing."""

    machines: int = 0
    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.machines + other.machines,
            self.vcpus + other.vcpus,
            self.memory_mib + other.memory_mib,
            self.disk_gib + other.disk_gib,
        )

    def __sub__(self, other: Amount) -> Amount:
        return self + other * -1

    def __mul__(self, times: int) -> Amount:
        return Amount(self.machines * times, self.vcpus * times, self.memory_mib * times, self.disk_gib * times)

    def fits(self, room: Amount) -> bool:
        """True if this amount fits in `room` in every measure."""
        return not self.beyond(room)

    def beyond(self, room: Amount) -> tuple[str, ...]:
        """The measures in which this amount is more than `room`."""
        return tuple(measure for measure in MEASURES if getattr(self, measure) > getattr(room, measure))


@dataclass(frozen=True)
class Quota:
    """What a department may take (`limit`) and what it has taken or asked for already (`used`)."""

    limit: Amount
    used: Amount

    @property
    def left(self) -> Amount:
        return self.limit - self.used

    def left_after(self, more: Amount) -> Amount:
        return self.left - more

    def over(self, more: Amount) -> tuple[str, ...]:
        """The measures in which `more` goes beyond the limit. Nothing asked in a measure never goes beyond it."""
        return tuple(measure for measure in more.beyond(self.left) if getattr(more, measure) > 0)
