"""Doors into seats that are not there: a booted machine answers with a page that says its name."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from uuid import UUID

from portal.backends.fake_cluster import Ailment, FakeCluster, FakeMachine
from portal.interfaces import DoorAnswer, HostAddress, SeatReach


class FakeDoors:
    """Doors (portal/interfaces.py). FakeCluster.answer_at_door says what else is found behind one."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.cluster = FakeCluster(folder, clock=clock)

    def probe(self, host: HostAddress, seat_id: UUID, door: str, *, timeout_s: float = 3.0) -> bool:
        return self._behind(host, seat_id, door) is not None

    def look_in(
        self, host: HostAddress, doors: Mapping[UUID, Collection[str]], *, timeout_s: float = 1.5
    ) -> Mapping[UUID, SeatReach]:
        now, found, world = self.cluster.clock(), {}, self.cluster.look(host)
        for seat_id, wanted in doors.items():
            seat = world.seats.get(str(seat_id))
            if seat is None or seat.host != host.name:
                continue
            machines = [machine for machine in world.machines.values() if machine.seat == str(seat_id)]
            silent = {machine.host_name for machine in machines if not machine.is_reached(now)}
            behind = {door: world.machines.get(seat.doors.get(door, "")) for door in wanted}
            opened = frozenset(door for door, one in behind.items() if one and opens(one, now))
            found[seat_id] = SeatReach(frozenset(silent), opened)
        return found

    def get(self, host: HostAddress, seat_id: UUID, door: str, *, path: str, timeout_s: float = 10.0) -> DoorAnswer:
        machine = self._behind(host, seat_id, door)
        if machine is None:
            return DoorAnswer(open=False)
        told = self.cluster.seen().door_answers.get(f"{door}{path}")
        status, body = told or (200, f"<!doctype html><title>{machine.host_name}</title><h1>{machine.host_name}</h1>")
        return DoorAnswer(open=True, status=status, body=body)

    def close(self) -> None:
        """Nothing is kept open."""

    def _behind(self, host: HostAddress, seat_id: UUID, door: str) -> FakeMachine | None:
        """The machine behind the door, if it serves."""
        world = self.cluster.look(host)
        seat = world.seats.get(str(seat_id))
        machine = world.machines.get(seat.doors.get(door, "")) if seat and seat.host == host.name else None
        return machine if machine is not None and opens(machine, self.cluster.clock()) else None


def opens(machine: FakeMachine, now: float) -> bool:
    return machine.is_reached(now) and Ailment.SHUT not in machine.ails
