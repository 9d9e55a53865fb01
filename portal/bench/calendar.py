"""How long it takes to prove that a class fits: 10,000 classes of a year on 50 hosts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from time import perf_counter
from uuid import UUID

from portal.bench.tables import Table
from portal.core.calendar import LEAD, TIDYING, Booking, Calendar, Ground, shortage
from portal.core.placement import HostRoom
from portal.core.quota import Amount

AIM_MS = 50
HOSTS, CLASSES, PROOFS = 50, 10_000, 100
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
QUARTERS = 365 * 24 * 4


def bench_calendar(*, hosts: int = HOSTS, classes: int = CLASSES, proofs: int = PROOFS, seed: int = 1) -> Table:
    """The same calendar at each run; each proof begins anew, as a booking does."""
    chance = Random(seed)  # noqa: S311 - nothing secret
    rooms = tuple(make_room(number, chance) for number in range(hosts))
    bookings = [make_class(number, chance) for number in range(classes)]
    spans, fitting = [], 0
    for number in range(proofs):
        wanted = make_class(classes + number, chance)
        begin = perf_counter()
        lack = shortage(Ground(rooms, 1, 100_000), Calendar(bookings), wanted)
        spans.append(1000 * (perf_counter() - begin))
        fitting += lack is None
    middle, high = median(spans), sorted(spans)[max(int(0.95 * proofs) - 1, 0)]
    row = {
        "classes": classes,
        "hosts": hosts,
        "proofs": proofs,
        "fit": fitting,
        "median ms": middle,
        "p95 ms": high,
        "aim": high <= AIM_MS,
    }
    return Table("Capacity proof", list(row), [row], (f"Aim: p95 of at most {AIM_MS} ms, the reading of rows apart.",))


def make_room(number: int, chance: Random) -> HostRoom:
    standing = Amount(10, chance.randint(0, 64), chance.randint(0, 128) * 1024)
    return HostRoom(UUID(int=number), f"hv{number}", Amount(0, 128, 256 * 1024), standing)


def make_class(number: int, chance: Random) -> Booking:
    """At a random quarter of an hour, nights and Sundays too."""
    starts_at = BEGINNING + timedelta(minutes=15 * chance.randrange(QUARTERS))
    ends_at = starts_at + timedelta(minutes=chance.choice([45, 60, 90, 120, 240]))
    seat = Amount(2, chance.choice([1, 2, 4]), chance.choice([512, 1024, 2048, 4096]), 10)
    return Booking(UUID(int=number), starts_at - LEAD, ends_at + TIDYING, seat, chance.randint(2, 44))
