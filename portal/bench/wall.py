"""What a wall of screens costs: processor time of server and worker while a teacher looks, less what they take idle."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from portal.bench import ground
from portal.bench.full_classes import full_classes
from portal.bench.ground import Say, hosts_known, hosts_of, own_environ, temporary_folder, wait_for
from portal.bench.memory import Portal, started
from portal.bench.spent import name_of, seconds_by, seconds_of, spent_since
from portal.bench.tables import Table
from portal.bench.wall_viewer import Looked, look_at_wall
from portal.bench.weight import descendants
from portal.demo.cluster import Simulator
from portal.minicluster import Minicluster

AIM_PERCENT = 20
SIMULATED_SEATS = 40
LAB = "first-steps-linux"
SETTLE_S = 10.0
Row = Mapping[str, str | float | int | bool]
QEMU, OTHERS = "QEMU", "host"


@dataclass(frozen=True)
class Watched:
    """Whose time counts: the portal's programs, and apart from them the hosts by the first process of each."""

    portal: Portal
    hosts: tuple[int, ...] = ()

    def seconds(self) -> dict[str, float]:
        pids = {name: process.pid for name, process in self.portal.children.running}
        everybody = [one for pid in self.hosts for one in (pid, *descendants(pid))]
        machines = {pid for pid in everybody if name_of(pid).startswith("qemu-system")}
        others = [pid for pid in everybody if pid not in machines]
        return seconds_by(pids) | {QEMU: seconds_of(list(machines)), OTHERS: seconds_of(others)}


def bench_wall(
    say: Say,
    *,
    seats: int,
    seconds: float,
    simulated_seats: int = SIMULATED_SEATS,
    hosts: bool = True,
    minicluster: Path | None = None,
    cabinet: Path | None = None,
) -> Table:
    """On the simulator always as many screens as the aim speaks of; on real hosts as many as were asked for."""
    with temporary_folder("wall") as var:
        rows = list(simulated(var / "simulator", simulated_seats, seconds, say))
        if hosts:
            rows += real_hosts(var / "real", seats, seconds, minicluster, cabinet, say)
    columns = ("where", "screens", "idle %", "server %", "worker %", "wall %", "aim", "QEMU %", "host %")
    more = ("pictures", "of them new", "ms each", "p95 wait ms", "KiB each", "failed")
    notes = (
        f"Percent of one core, over {seconds:.0f} s each: idle first, then with one teacher's page open.",
        "Server and worker with their children (SSH programs), less idle; “wall” is both, “ms each” per new picture.",
        "QEMU and host: what the same wall costs the hosts themselves, less idle, all hosts together.",
        f"Aim: a wall of {SIMULATED_SEATS} screens takes at most {AIM_PERCENT} % of one core.",
    )
    return Table("Wall of screens", (*columns, *more), rows, notes)


def simulated(var: Path, seats: int, seconds: float, say: Say) -> Iterator[Row]:
    simulator = Simulator(var).up(say)
    environ = own_environ(var) | dict(simulator.environ)
    with started(environ, simulator.hosts, var, say) as portal:
        yield measured("simulator", Watched(portal), seats, seconds, say)


def real_hosts(
    var: Path, seats: int, seconds: float, minicluster: Path | None, cabinet: Path | None, say: Say
) -> Iterator[Row]:
    with hosts_of(minicluster, var, say) as inventory:
        environ = ground.environ_of(var, inventory)
        ground.provide_template(inventory, cabinet, environ, say)
        first = tuple(Minicluster(inventory.cabinet.parent).first_processes().values())
        with started(environ, inventory.hosts, var, say) as portal:
            yield measured("real hosts", Watched(portal, first), seats, seconds, say)


def measured(where: str, watched: Watched, seats: int, seconds: float, say: Say) -> Row:
    portal = watched.portal
    wait_for(lambda: hosts_known(portal.site, portal.children), seconds=90, what="the worker's first look at the hosts")
    with full_classes(portal.site, LAB, [seats], say) as (full,):
        time.sleep(min(SETTLE_S, seconds))
        before = watched.seconds()
        time.sleep(seconds)
        idle = spent_since(before, watched.seconds())
        say(f"{where}: a teacher looks at {seats} screens")
        before = watched.seconds()
        looked = look_at_wall(portal.port, full, seconds=seconds)
        busy = spent_since(before, watched.seconds())
    return row_of(where, looked, idle, busy, seconds)


def row_of(where: str, looked: Looked, idle: Mapping[str, float], busy: Mapping[str, float], seconds: float) -> Row:
    extra = {name: 100 * (busy[name] - idle[name]) / seconds for name in busy}
    wall = extra["server"] + extra["worker"]
    row: dict[str, str | float | int | bool] = {
        "where": where,
        "screens": looked.tiles,
        "idle %": 100 * (idle["server"] + idle["worker"]) / seconds,
        "server %": extra["server"],
        "worker %": extra["worker"],
        "wall %": wall,
        "pictures": looked.pictures + looked.unchanged,
        "of them new": looked.pictures,
        "ms each": 10 * wall * seconds / max(looked.pictures, 1),
        "p95 wait ms": percentile(looked.waited_ms, 0.95),
        "KiB each": looked.kib / max(looked.pictures, 1),
        "failed": looked.failed,
    }
    if looked.tiles >= SIMULATED_SEATS:
        row["aim"] = wall <= AIM_PERCENT
    if where != "simulator":
        row |= {"QEMU %": extra[QEMU], "host %": extra[OTHERS]}
    return row


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0
