"""Whether the cluster can carry a class: proven for all of its time before the class is accepted.

What is promised, at every moment and although any `reserve_hosts` hosts are lost:

- all machines and all seats together take no more than the hosts that are left may carry;
- every seat finds one host that takes it whole, beside the machines that live there, in whichever order seats come and
  go: no plan of places is made, so none can be spoilt. See `Ground.takes_whole`.

Machines of a lost host count in the sums only: seats are made again by themselves, machines are not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from heapq import heappop, heappush
from operator import attrgetter
from uuid import UUID

from portal.core.errors import N_, ClassDoesNotFit
from portal.core.placement import HostRoom, taken, usable
from portal.core.quota import Amount

LEAD = timedelta(minutes=15)  # before a class begins its seats are made
TIDYING = timedelta(minutes=5)  # after it they go
MEMORY, VCPUS, DISK, LICENCES, WHOLE = "memory_mib", "vcpus", "disk_gib", "licences", "whole"
LACKING: Mapping[str, str] = {
    MEMORY: N_("On %(moment)s this class lacks %(missing)s MB of memory."),
    VCPUS: N_("On %(moment)s this class lacks %(missing)s processors."),
    DISK: N_("On %(moment)s this class lacks %(missing)s GB of storage."),
    LICENCES: N_("On %(moment)s this class lacks %(missing)s licences for “%(template)s”."),
    WHOLE: N_("On %(moment)s there is not enough memory or processors on single hosts for %(missing)s whole seats."),
}


@dataclass(frozen=True)
class SeatKind:
    """Seats that take the same. `licences` are (template, seats of its licence) in the order of the templates."""

    amount: Amount
    licences: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Booking:
    """What a class holds, from the beginning of its preparation until it is tidied away.

    `seat` is one seat's machines together, which one host must take; `seats` counts the spare ones too.
    """

    id: UUID
    starts_at: datetime
    ends_at: datetime
    seat: Amount
    seats: int
    licences: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def kind(self) -> SeatKind:
        return SeatKind(self.seat, tuple(sorted(self.licences.items())))


Load = Mapping[SeatKind, int]  # so many seats of each kind at one moment


@dataclass(frozen=True)
class Shortage:
    """What is missing first, how much of it, and when."""

    measure: str
    missing: int
    moment: datetime
    template: str = ""

    def error(self, moment: str = "") -> ClassDoesNotFit:
        """For people; `moment` is how they read it."""
        return ClassDoesNotFit(
            LACKING[self.measure],
            moment=moment or self.moment.isoformat(),
            missing=self.missing,
            template=self.template,
        )


@dataclass(frozen=True)
class Proof:
    """That a class fits: at so many moments, beside so many other classes, was it looked at."""

    moments: int
    beside: int


@dataclass(frozen=True)
class Ground:
    """What classes may count with: hosts with the machines that are not of classes, storage, and free licences.

    `waiting` are machines that were asked for and have no host yet; `licences` names limited templates only.
    """

    rooms: tuple[HostRoom, ...]
    reserve_hosts: int
    disk_free_gib: int
    licences: Mapping[str, int] = field(default_factory=dict)
    waiting: Amount = Amount()
    known: dict[Amount, int] = field(default_factory=dict, init=False, compare=False, repr=False)

    @cached_property
    def room_left(self) -> Amount:
        return usable(self.rooms, self.reserve_hosts) - taken(self.rooms) - self.waiting

    @cached_property
    def weights(self) -> tuple[int, int]:
        """Of a processor and of a MiB, so that the scarcer of both says how large something is."""
        limit = sum((room.limit for room in self.rooms), Amount())
        return max(limit.memory_mib, 1), max(limit.vcpus, 1)

    def survivors(self, offers: Iterable[int]) -> list[int]:
        """What the hosts offer without those that offer most: the worst loss."""
        spared = min(self.reserve_hosts, max(len(self.rooms) - 1, 0))
        return sorted(offers)[: len(self.rooms) - spared]

    def shortage(self, load: Load, moment: datetime) -> Shortage | None:
        """What these seats lack beside all that stands; None if they fit."""
        total = sum((kind.amount * seats for kind, seats in load.items()), Amount())
        for template, free in self.licences.items():
            wanted = licences_of(load, template)
            if wanted > max(free, 0):
                return Shortage(LICENCES, wanted - max(free, 0), moment, template)
        left = replace(self.room_left, disk_gib=self.disk_free_gib)
        for measure in (DISK, MEMORY, VCPUS):
            missing = getattr(total, measure) - max(getattr(left, measure), 0)
            if missing > 0:
                return Shortage(measure, missing, moment)
        if not self.takes_whole(load):
            return Shortage(WHOLE, max(sum(load.values()) - self.slots(largest(load)), 1), moment)
        return None

    def takes_whole(self, load: Load) -> bool:
        """True if each of these seats finds a host for itself alone, wherever the others were put.

        Either there is a place as large as the largest seat for each of them. Or, for each kind, all other seats
        together are too small to leave no host with room for one more: a host that refuses it is filled beyond
        what it has left less that seat, measured by the scarcer of processors and memory.
        """
        if sum(load.values()) <= self.slots(largest(load)):
            return True
        sizes = {kind: self.size(kind.amount) for kind in load}
        everything = sum(sizes[kind] * seats for kind, seats in load.items())
        return all(everything - sizes[kind] <= self.fill(kind.amount) for kind in load)

    def slots(self, seat: Amount) -> int:
        """How many seats, none larger than this, find a host whatever happens."""
        if seat not in self.known:
            self.known[seat] = sum(self.survivors(places(room.free, seat) for room in self.rooms))
        return self.known[seat]

    def size(self, amount: Amount) -> int:
        vcpu, mib = self.weights
        return max(amount.vcpus * vcpu, amount.memory_mib * mib)

    def fill(self, seat: Amount) -> int:
        """How large seats must be together, at least, before no host takes this one; -1: none takes it anyway."""
        vcpu, mib = self.weights
        rests = [room.free - seat for room in self.rooms]
        offers = self.survivors(min(rest.vcpus * vcpu, rest.memory_mib * mib) for rest in rests)
        return sum(offer for offer in offers if offer >= 0) if max(offers, default=-1) >= 0 else -1


def places(free: Amount, seat: Amount) -> int:
    return max(min(free.vcpus // max(seat.vcpus, 1), free.memory_mib // max(seat.memory_mib, 1)), 0)


def largest(load: Load) -> Amount:
    """A seat that is as large as any of these in each measure."""
    amounts = [kind.amount for kind, seats in load.items() if seats]
    vcpus = max((amount.vcpus for amount in amounts), default=0)
    return Amount(1, vcpus, max((amount.memory_mib for amount in amounts), default=0))


class Calendar:
    """Accepted classes in order of time. Made once, asked often."""

    def __init__(self, bookings: Iterable[Booking] = ()) -> None:
        self.bookings: Sequence[Booking] = sorted(bookings, key=attrgetter("starts_at"))
        self.starts = [booking.starts_at for booking in self.bookings]
        self.longest = max((booking.ends_at - booking.starts_at for booking in self.bookings), default=timedelta())

    def during(self, since: datetime, until: datetime) -> list[Booking]:
        """Those that hold something at some moment of [since, until)."""
        first = bisect_left(self.starts, since - self.longest)
        last = bisect_left(self.starts, until)
        return [booking for booking in self.bookings[first:last] if booking.ends_at > since]


def loads(bookings: Iterable[Booking], since: datetime) -> Iterator[tuple[datetime, Load]]:
    """What is held at `since` and each time that it grows afterwards; in between it is never more.

    What is given goes on changing with the next step: look at it at once.
    """
    lasting = (booking for booking in bookings if booking.seats and booking.ends_at > since)
    coming = sorted(lasting, key=attrgetter("starts_at"))
    ends: list[tuple[datetime, int]] = []
    load: Counter[SeatKind] = Counter()
    for number, booking in enumerate(coming):
        moment = max(booking.starts_at, since)
        while ends and ends[0][0] <= moment:
            over = coming[heappop(ends)[1]]
            load[over.kind] -= over.seats
            if not load[over.kind]:
                del load[over.kind]
        load[booking.kind] += booking.seats
        heappush(ends, (booking.ends_at, number))
        if number + 1 == len(coming) or coming[number + 1].starts_at > moment:
            yield moment, load


def shortage(ground: Ground, calendar: Calendar, wanted: Booking) -> Shortage | None:
    """What the class lacks at the first moment at which it lacks something; None if it fits."""
    beside = calendar.during(wanted.starts_at, wanted.ends_at)
    for moment, load in loads([*beside, wanted], wanted.starts_at):
        lack = ground.shortage(load, moment)
        if lack is not None:
            return lack
    return None


def prove(ground: Ground, calendar: Calendar, wanted: Booking) -> Proof:
    """That the class fits beside all others, as this file's first words promise. Raises ClassDoesNotFit."""
    lack = shortage(ground, calendar, wanted)
    if lack is not None:
        raise lack.error()
    beside = calendar.during(wanted.starts_at, wanted.ends_at)
    return Proof(sum(1 for _ in loads([*beside, wanted], wanted.starts_at)), len(beside))


def still_stands(ground: Ground, bookings: Iterable[Booking], since: datetime) -> Shortage | None:
    """What accepted classes would lack if machines stood as `ground` says, from `since` for ever; None if nothing."""
    seen: set[frozenset[tuple[SeatKind, int]]] = set()
    for moment, load in loads(bookings, since):
        same = frozenset(load.items())
        lack = None if same in seen else ground.shortage(load, moment)
        if lack is not None:
            return lack
        seen.add(same)
    return None


def peak(bookings: Iterable[Booking], since: datetime) -> Amount:
    """The most that classes take at one moment from `since` on, each measure by itself."""
    vcpus = memory_mib = disk_gib = 0
    for _, load in loads(bookings, since):
        held = [(kind.amount, seats) for kind, seats in load.items()]
        vcpus = max(vcpus, sum(seat.vcpus * seats for seat, seats in held))
        memory_mib = max(memory_mib, sum(seat.memory_mib * seats for seat, seats in held))
        disk_gib = max(disk_gib, sum(seat.disk_gib * seats for seat, seats in held))
    return Amount(0, vcpus, memory_mib, disk_gib)


def licence_peak(bookings: Iterable[Booking], since: datetime, template: str) -> int:
    """The most seats of a template's licence that classes take at one moment from `since` on."""
    return max((licences_of(load, template) for _, load in loads(bookings, since)), default=0)


def licences_of(load: Load, template: str) -> int:
    return sum(seats * dict(kind.licences).get(template, 0) for kind, seats in load.items())


def spares_for(seats: int) -> int:
    """One in ten is made beside them, and at least one."""
    return max(-(-seats // 10), 1)


def seats_that_fit(ground: Ground, calendar: Calendar, wanted: Booking, *, most: int) -> int:
    """The largest class, without its spare seats, that has room at the wished time; `most` at most."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        smaller = replace(wanted, seats=middle + spares_for(middle))
        if shortage(ground, calendar, smaller) is None:
            low = middle
        else:
            high = middle - 1
    return low
