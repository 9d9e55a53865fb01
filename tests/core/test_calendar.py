"""The calendar's proof: nothing is accepted that could not be carried with a host lost, at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.core.calendar import (
    Booking,
    Calendar,
    Ground,
    Proof,
    loads,
    peak,
    prove,
    seats_that_fit,
    shortage,
    spares_for,
    still_stands,
)
from portal.core.errors import ClassDoesNotFit
from portal.core.placement import HostRoom, usable
from portal.core.quota import Amount

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
GIB = 1024


def make_room(number: int, *, memory_mib: int = 8 * GIB, vcpus: int = 16, taken: Amount = Amount()) -> HostRoom:  # noqa: B008 - frozen
    return HostRoom(UUID(int=number), f"hv{number}", Amount(0, vcpus, memory_mib), taken)


def make_ground(*rooms: HostRoom, reserve: int = 1, disk: int = 10_000, **licences: int) -> Ground:
    return Ground(rooms or (make_room(1), make_room(2), make_room(3)), reserve, disk, licences)


def make_booking(
    number: int = 1, *, at: float = 0, hours: float = 1, seats: int = 1, memory_mib: int = GIB, **licences: int
) -> Booking:
    """`at` in hours after nine on Monday."""
    start = MONDAY + timedelta(hours=at)
    amount = Amount(1, 1, memory_mib, 2)
    return Booking(UUID(int=number), start, start + timedelta(hours=hours), amount, seats, licences)


def measure_lacking(ground: Ground, wanted: Booking, *beside: Booking) -> str | None:
    lack = shortage(ground, Calendar(beside), wanted)
    return lack.measure if lack else None


@pytest.mark.parametrize(
    ("ground", "wanted", "lacking"),
    [
        (make_ground(), make_booking(seats=16), None),  # 16 GiB: two of three hosts
        (make_ground(), make_booking(seats=17), "memory_mib"),
        (make_ground(reserve=0), make_booking(seats=24), None),
        (make_ground(reserve=0), make_booking(seats=25), "memory_mib"),
        (make_ground(make_room(1)), make_booking(seats=8), None),  # a single host has no reserve
        (make_ground(), make_booking(seats=1, memory_mib=9 * GIB), "whole"),  # no host is that large
        (make_ground(), make_booking(seats=3, memory_mib=5 * GIB), "whole"),  # one on each of two hosts
        (make_ground(), make_booking(seats=33, memory_mib=1), "vcpus"),
        (make_ground(disk=3), make_booking(seats=2), "disk_gib"),
        (make_ground(xp=3), make_booking(seats=2, xp=2), "licences"),
        (make_ground(xp=4), make_booking(seats=2, xp=2), None),
        (make_ground(xp=0), make_booking(seats=2), None),  # has none of it
        (make_ground(make_room(1, taken=Amount(1, 1, GIB)), make_room(2)), make_booking(seats=8), "memory_mib"),
        (make_ground(make_room(1, taken=Amount(1, 1, GIB)), make_room(2)), make_booking(seats=7), None),
        (Ground((), 1, 10), make_booking(), "memory_mib"),
    ],
)
def test_what_fits(ground: Ground, wanted: Booking, lacking: str | None) -> None:
    assert measure_lacking(ground, wanted) == lacking


@pytest.mark.parametrize(
    ("at", "hours", "fits"), [(-1, 1, True), (1, 1, True), (0.9, 1, False), (-0.1, 0.2, False), (0.4, 0.2, False)]
)
def test_only_classes_that_meet_stand_in_each_others_way(at: float, hours: float, fits: bool) -> None:
    wanted = make_booking(2, at=at, hours=hours, seats=10)
    assert (measure_lacking(make_ground(), wanted, make_booking(seats=10)) is None) is fits


def test_two_classes_that_never_meet_are_not_added_up() -> None:
    morning, noon = make_booking(1, seats=8), make_booking(2, at=1, seats=8)
    assert measure_lacking(make_ground(), make_booking(3, hours=2, seats=8), morning, noon) is None


def test_what_lacks_is_told_with_how_much_and_when() -> None:
    lack = shortage(make_ground(), Calendar([make_booking(at=1, seats=10)]), make_booking(2, hours=3, seats=8))
    assert lack is not None
    assert (lack.measure, lack.missing, lack.moment) == ("memory_mib", 2 * GIB, MONDAY + timedelta(hours=1))
    assert str(lack.error("Monday")) == "On Monday this class lacks 2048 MB of memory."


def test_a_lacking_licence_is_named() -> None:
    with pytest.raises(ClassDoesNotFit, match="lacks 1 licences for “xp”"):
        prove(make_ground(xp=1), Calendar(), make_booking(seats=2, xp=1))


def test_a_proof_says_what_it_looked_at() -> None:
    calendar = Calendar([make_booking(at=0.5), make_booking(2, at=7)])
    assert prove(make_ground(), calendar, make_booking(3)) == Proof(moments=2, beside=1)


def test_machines_that_wait_for_a_host_count_too() -> None:
    ground = replace(make_ground(), waiting=Amount(1, 1, GIB))
    assert measure_lacking(ground, make_booking(seats=16)) == "memory_mib"


@pytest.mark.parametrize(("seats", "spares"), [(1, 1), (9, 1), (10, 1), (11, 2), (30, 3), (40, 4)])
def test_one_seat_in_ten_is_spare(seats: int, spares: int) -> None:
    assert spares_for(seats) == spares


def test_the_largest_class_that_fits_is_found() -> None:
    assert seats_that_fit(make_ground(), Calendar([make_booking(seats=5)]), make_booking(2), most=40) == 10
    assert seats_that_fit(make_ground(), Calendar([make_booking(seats=16)]), make_booking(2), most=40) == 0


def test_the_peak_is_the_most_at_one_moment() -> None:
    bookings = [make_booking(1, seats=3), make_booking(2, at=0.5, seats=4), make_booking(3, at=2, seats=5)]
    assert peak(bookings, MONDAY) == Amount(0, 7, 7 * GIB, 14)
    assert peak(bookings, MONDAY + timedelta(hours=1, minutes=45)) == Amount(0, 5, 5 * GIB, 10)


def test_classes_that_begin_together_are_one_moment() -> None:
    together = list(loads([make_booking(1, seats=3), make_booking(2, seats=4)], MONDAY - timedelta(hours=1)))
    assert [(moment, sum(load.values())) for moment, load in together] == [(MONDAY, 7)]


def test_machines_may_not_come_to_stand_where_classes_were_promised_room() -> None:
    bookings = [make_booking(at=100, seats=16)]
    assert still_stands(make_ground(), bookings, MONDAY) is None
    lack = still_stands(make_ground(make_room(1, taken=Amount(1, 1, 1)), make_room(2), make_room(3)), bookings, MONDAY)
    assert lack is not None
    assert lack.moment == MONDAY + timedelta(hours=100)


a_host = some.builds(
    lambda memory, vcpus, part: (memory * 256, vcpus, part),
    some.integers(4, 40),
    some.integers(2, 24),
    some.floats(0, 1),
)
a_class = some.builds(
    lambda number, at, length, vcpus, memory, seats: Booking(
        UUID(int=number),
        MONDAY + timedelta(minutes=15 * at),
        MONDAY + timedelta(minutes=15 * (at + length)),
        Amount(1, vcpus, memory * 128, 1),
        seats,
    ),
    some.integers(0, 2**64),
    some.integers(0, 40),
    some.integers(1, 12),
    some.integers(1, 4),
    some.integers(1, 12),
    some.integers(1, 12),
)


def rooms_of(hosts: Sequence[tuple[int, int, float]]) -> tuple[HostRoom, ...]:
    return tuple(
        make_room(
            number,
            memory_mib=memory,
            vcpus=vcpus,
            taken=Amount(1, int(vcpus * part), int(memory * part)),
        )
        for number, (memory, vcpus, part) in enumerate(hosts)
    )


@given(
    hosts=some.lists(a_host, min_size=1, max_size=5),
    wishes=some.lists(a_class, max_size=12),
    reserve=some.integers(0, 2),
    chance=some.randoms(use_true_random=False),
)
def test_random_calendars_never_break_the_reserve(
    hosts: list[tuple[int, int, float]], wishes: list[Booking], reserve: int, chance: Random
) -> None:
    """Whichever hosts are lost: sums hold, and seats that are put anywhere that takes them all find a whole host."""
    rooms = rooms_of(hosts)
    ground = Ground(rooms, reserve, 10_000)
    accepted: list[Booking] = []
    for wish in wishes:
        if shortage(ground, Calendar(accepted), wish) is None:
            accepted.append(wish)
    standing = sum((room.taken for room in rooms), Amount())
    for _, load in loads(accepted, MONDAY):
        total = sum((kind.amount * seats for kind, seats in load.items()), standing)
        assert total.memory_mib <= usable(rooms, reserve).memory_mib
        assert total.vcpus <= usable(rooms, reserve).vcpus
    for lost in combinations(rooms, min(reserve, len(rooms) - 1)):
        live_through(accepted, [room for room in rooms if room not in lost], chance)


def live_through(accepted: Sequence[Booking], rooms: Sequence[HostRoom], chance: Random) -> None:
    """Put each seat on any host that takes it when its class begins, never move it, take it away at the end."""
    state = {room.id: room for room in rooms}
    held: list[tuple[datetime, UUID, Amount]] = []
    for booking in sorted(accepted, key=lambda each: each.starts_at):
        for ended in [each for each in held if each[0] <= booking.starts_at]:
            held.remove(ended)
            state[ended[1]] = replace(state[ended[1]], taken=state[ended[1]].taken - ended[2])
        for _ in range(booking.seats):
            taking = [room for room in state.values() if room.fits(booking.seat)]
            assert taking, "no host takes a whole seat"
            room = chance.choice(taking)
            state[room.id] = room.with_machine(booking.seat)
            held.append((booking.ends_at, room.id, booking.seat))


@given(wishes=some.lists(a_class, max_size=12), since=some.integers(0, 50))
def test_loads_are_what_adding_up_by_hand_gives(wishes: list[Booking], since: int) -> None:
    begin = MONDAY + timedelta(minutes=15 * since)
    for moment, load in loads(wishes, begin):
        assert sum(load.values()) == sum(each.seats for each in wishes if each.starts_at <= moment < each.ends_at)
    most = max((sum(load.values()) for _, load in loads(wishes, begin)), default=0)
    quarters = [begin + timedelta(minutes=15 * step) for step in range(60)]
    by_hand = [sum(each.seats for each in wishes if each.starts_at <= at < each.ends_at) for at in quarters]
    assert most == max(by_hand)


@given(wishes=some.lists(a_class, max_size=12), at=some.integers(0, 40), length=some.integers(1, 9))
def test_the_index_finds_what_looking_at_all_finds(wishes: list[Booking], at: int, length: int) -> None:
    since, until = MONDAY + timedelta(minutes=15 * at), MONDAY + timedelta(minutes=15 * (at + length))
    found = Calendar(wishes).during(since, until)
    assert sorted(map(id, found)) == sorted(
        id(each) for each in wishes if each.starts_at < until and each.ends_at > since
    )
