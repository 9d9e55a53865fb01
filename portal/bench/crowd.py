"""People at their browsers: each asks for page after page over one connection, with a pause in between."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from portal.bench.hospital import BenchVisitor
from portal.core.errors import N_, OutsideUnavailable

PAUSE_S = 0.5
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Times:
    """How long the answers of one page took, in milliseconds."""

    ms: tuple[float, ...]

    def __add__(self, other: Times) -> Times:
        return Times(self.ms + other.ms)

    def percentile(self, share: float) -> float:
        return sorted(self.ms)[min(int(len(self.ms) * share), len(self.ms) - 1)]


def visit(port: int, visitors: Sequence[BenchVisitor], path: str, *, times: int) -> Times:
    """Everybody asks for the page so many times, all at once."""
    with ThreadPoolExecutor(len(visitors)) as threads:
        found = threads.map(lambda numbered: sit(port, numbered[1], path, times, numbered[0]), enumerate(visitors))
        return sum(found, Times(()))


def sit(port: int, visitor: BenchVisitor, path: str, times: int, number: int) -> Times:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    time.sleep(PAUSE_S * number / 20)  # nobody begins at the same moment
    took = []
    try:
        for _ in range(times):
            took.append(ask(connection, path.format(vm=visitor.vm_id), {"Cookie": f"vivero_session={visitor.key}"}))
            time.sleep(PAUSE_S)
    finally:
        connection.close()
    return Times(tuple(took))


def ask(connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]) -> float:
    began = time.perf_counter()
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    answer.read()
    if answer.status != http.client.OK:
        raise OutsideUnavailable(N_("%(path)s answered %(status)s."), path=path, status=answer.status)
    return (time.perf_counter() - began) * 1000
