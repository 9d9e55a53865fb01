"""Placement: even, within limits, with a reserve, and always the same answer."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal.core.errors import NoCapacity
from portal.core.placement import HostRoom, host_limit, place, usable
from portal.core.quota import Amount


def make_room(number: int, *, memory_mib: int = 8192, vcpus: int = 16, taken: Amount = Amount()) -> HostRoom:  # noqa: B008 - frozen
    return HostRoom(UUID(int=number), f"hv{number}", Amount(vcpus=vcpus, memory_mib=memory_mib), taken)


def make_machines(count: int, *, memory_mib: int = 512, vcpus: int = 1) -> dict[UUID, Amount]:
    return {UUID(int=1000 + number): Amount(1, vcpus, memory_mib, 2) for number in range(count)}


THREE = [make_room(1), make_room(2), make_room(3)]


def test_thirty_copies_are_spread_evenly_over_three_hosts() -> None:
    chosen = place(make_machines(30), THREE, reserve_hosts=1, disk_free_gib=1000)
    assert sorted(Counter(chosen.values()).values()) == [10, 10, 10]


def test_the_emptiest_host_comes_first() -> None:
    rooms = [make_room(1, taken=Amount(memory_mib=4096)), make_room(2), make_room(3, taken=Amount(memory_mib=2048))]
    chosen = place(make_machines(1), rooms, reserve_hosts=1, disk_free_gib=10)
    assert list(chosen.values()) == [UUID(int=2)]


@pytest.mark.parametrize(
    ("machines", "reserve", "fits"),
    [
        (make_machines(32), 1, True),  # 16 GiB: two of three hosts
        (make_machines(33), 1, False),
        (make_machines(33), 0, True),
        (make_machines(48), 0, True),
        (make_machines(49), 0, False),
        (make_machines(1, memory_mib=9000), 0, False),  # no single host has that much
        (make_machines(1, vcpus=17), 0, False),
        (make_machines(33, memory_mib=1, vcpus=1), 1, False),  # processors run out first
    ],
)
def test_what_fits(machines: dict[UUID, Amount], reserve: int, fits: bool) -> None:
    if fits:
        assert set(place(machines, THREE, reserve_hosts=reserve, disk_free_gib=1000)) == set(machines)
    else:
        with pytest.raises(NoCapacity):
            place(machines, THREE, reserve_hosts=reserve, disk_free_gib=1000)


def test_the_shared_storage_is_counted_once() -> None:
    with pytest.raises(NoCapacity, match="5 GB left, these machines need 6 GB"):
        place(make_machines(3), THREE, reserve_hosts=1, disk_free_gib=5)


def test_without_a_host_nothing_is_placed() -> None:
    with pytest.raises(NoCapacity, match="No host"):
        place(make_machines(1), [], reserve_hosts=1, disk_free_gib=100)


def test_a_single_host_is_used_although_nothing_can_stand_in_for_it() -> None:
    assert usable([make_room(1)], reserve_hosts=1).memory_mib == 8192


def test_the_reserve_is_the_largest_host() -> None:
    rooms = [make_room(1, memory_mib=1000), make_room(2, memory_mib=3000), make_room(3, memory_mib=2000)]
    assert usable(rooms, reserve_hosts=1).memory_mib == 3000


def test_processors_are_promised_several_times_over_and_memory_never() -> None:
    limit = host_limit(vcpus=4, memory_mib=8192, cpu_overcommit=4.0, reserved_memory_mib=512)
    assert limit == Amount(vcpus=16, memory_mib=7680)


amounts = some.builds(Amount, some.just(1), some.integers(1, 8), some.integers(64, 4096), some.integers(1, 20))
rooms_of = some.lists(
    some.tuples(some.integers(0, 16384), some.integers(0, 64), some.floats(0, 1)), min_size=1, max_size=5
)


@given(machines=some.lists(amounts, min_size=1, max_size=30), hosts=rooms_of, reserve=some.integers(0, 2))
def test_no_host_is_ever_above_its_limit_and_the_reserve_stays(
    machines: list[Amount], hosts: list[tuple[int, int, float]], reserve: int
) -> None:
    rooms = [
        make_room(n, memory_mib=m, vcpus=v, taken=Amount(vcpus=int(v * used), memory_mib=int(m * used)))
        for n, (m, v, used) in enumerate(hosts)
    ]
    wanted = {UUID(int=1000 + n): amount for n, amount in enumerate(machines)}
    try:
        chosen = place(wanted, rooms, reserve_hosts=reserve, disk_free_gib=10_000)
    except NoCapacity:
        return
    assert chosen == place(wanted, list(reversed(rooms)), reserve_hosts=reserve, disk_free_gib=10_000)
    after = {room.id: room.taken for room in rooms}
    for vm_id, host_id in chosen.items():
        after[host_id] += wanted[vm_id]
    assert all(after[r.id].memory_mib <= r.limit.memory_mib and after[r.id].vcpus <= r.limit.vcpus for r in rooms)
    assert sum(one.memory_mib for one in after.values()) <= usable(rooms, reserve).memory_mib
