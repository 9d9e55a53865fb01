"""Reachability in a cluster that is not there: a booted machine answers on every port."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from portal.backends.fake_cluster import FakeCluster


class FakeReachability:
    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._cluster = FakeCluster(folder, clock=clock)

    def tcp_open(self, address: str, port: int, *, timeout_s: float = 1.0) -> bool:
        now = self._cluster.clock()
        machines = self._cluster.seen().machines.values()
        return any(machine.address == address and machine.is_ready(now) for machine in machines)
