"""Doors into seats that are not there: a booted machine answers with a page that says its name."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from portal.backends.fake_cluster import FakeCluster, FakeMachine
from portal.interfaces import DoorAnswer, HostAddress


class FakeDoors:
    """Doors (portal/interfaces.py). FakeCluster.answer_at_door says what else is found behind one."""

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.cluster = FakeCluster(folder, clock=clock)

    def probe(self, host: HostAddress, seat_id: UUID, door: str, *, timeout_s: float = 3.0) -> bool:
        return self._behind(host, seat_id, door) is not None

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
        return machine if machine is not None and machine.is_ready(self.cluster.clock()) else None
