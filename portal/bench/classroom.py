"""Whole classes at work on one server: students at their pages, consoles open, teachers at their boards."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from portal.bench.full_classes import FullClass, full_classes
from portal.bench.ground import Say, hosts_known, own_environ, temporary_folder, wait_for
from portal.bench.memory import Portal, started
from portal.bench.our_classes import newest_version
from portal.bench.spent import seconds_by, spent_since
from portal.bench.tables import Table
from portal.bench.wall import percentile
from portal.config import ROOT
from portal.core.errors import N_, OutsideUnavailable
from portal.demo.cluster import Simulator
from portal.demo.processes import die_with_parent

LAB = "first-steps-linux"
LARGEST_CLASS = 40
WAITS = frozenset({"check"})  # for the guest, a second at least when it has not passed
AIM_MS = 150
STARTED_WITHIN_S = 120.0
Row = Mapping[str, str | float | int | bool]


@dataclass(frozen=True)
class Load:
    """How many of whom, and for how long."""

    students: int
    consoles: int
    seconds: int


def bench_classroom(load: Load, say: Say) -> tuple[Table, Table]:
    """Classes of at most forty on the simulator; what asks runs in processes of its own that let others go first."""
    with temporary_folder("classroom") as var:
        simulator = Simulator(var).up(say)
        environ = own_environ(var) | dict(simulator.environ)
        with started(environ, simulator.hosts, var, say) as portal:
            wait_for(lambda: hosts_known(portal.site, portal.children), seconds=90, what="the worker's first look")
            with full_classes(portal.site, LAB, sizes_of(load.students), say) as classes:
                return measured(portal, classes, load, say)


def sizes_of(students: int) -> list[int]:
    return [min(LARGEST_CLASS, students - begun) for begun in range(0, students, LARGEST_CLASS)]


def measured(portal: Portal, classes: Sequence[FullClass], load: Load, say: Say) -> tuple[Table, Table]:
    say(f"{load.students} students and {load.consoles} consoles come in")
    pids = {name: process.pid for name, process in portal.children.running}
    with ThreadPoolExecutor(2) as threads:
        asked = threads.map(run_load, orders_of(portal, classes, load))
        before, began = seconds_by(pids), time.monotonic()
        crowd, consoles = asked
        spent, took = spent_since(before, seconds_by(pids)), time.monotonic() - began
    busy = {name: 100 * seconds / took for name, seconds in spent.items()}
    return pages_table(crowd, load, len(classes)), load_table(crowd, consoles, busy)


def orders_of(portal: Portal, classes: Sequence[FullClass], load: Load) -> list[dict[str, Any]]:
    _version, design = newest_version(portal.site, LAB)
    students = [key for one in classes for key in one.students]
    same = {"port": portal.port, "seconds": load.seconds}
    teachers = [{"key": one.teacher, "page": f"/classes/{one.lab_session_id}"} for one in classes]
    return [
        {**same, "part": "crowd", "students": students, "teachers": teachers},
        {
            **same,
            "part": "consoles",
            "origin": f"http://127.0.0.1:{portal.port}",
            "machine": design.parts[0].machine.name,
            "students": students[:: max(load.students // max(load.consoles, 1), 1)][: load.consoles],
        },
    ]


def run_load(order: Mapping[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "portal.bench.crowd_load"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=order["seconds"] + STARTED_WITHIN_S,
        check=False,
        cwd=ROOT,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - it touches nothing that a thread could hold
    )
    if done.returncode != 0:
        raise OutsideUnavailable(N_("The load ended: %(said)s"), said=done.stderr.strip()[-500:])
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def pages_table(crowd: Mapping[str, Any], load: Load, classes: int) -> Table:
    by_kind = crowd["ms"]
    rows: list[Row] = [row_of(kind, by_kind[kind], crowd["errors"][kind]) for kind in sorted(by_kind)]
    everything = [ms for kind, taken in by_kind.items() if kind not in WAITS for ms in taken]
    whole = row_of("all but checks", everything, sum(crowd["errors"].values()))
    rows.append({**whole, "aim": percentile(everything, 0.95) <= AIM_MS and not whole["errors"]})
    notes = (
        f"{load.students} students in {classes} classes, each with its teacher's board open; {load.consoles} consoles;",
        f"{load.seconds} s after everybody was there. Waiting of the programs that ask is in these times.",
        f"Aim: p95 of all answers at most {AIM_MS} ms, and no errors. A check waits for its guest and looks twice.",
    )
    return Table(
        "Pages of classes at work", ("page", "answers", "p50 ms", "p95 ms", "max ms", "errors", "aim"), rows, notes
    )


def row_of(kind: str, ms: Sequence[float], errors: int) -> dict[str, str | float | int | bool]:
    return {
        "page": kind,
        "answers": len(ms),
        "p50 ms": percentile(ms, 0.5),
        "p95 ms": percentile(ms, 0.95),
        "max ms": max(ms, default=0.0),
        "errors": errors,
    }


def load_table(crowd: Mapping[str, Any], consoles: Mapping[str, Any], busy: Mapping[str, float]) -> Table:
    row: Row = {
        "server %": busy["server"],
        "worker %": busy["worker"],
        "those who ask %": crowd["percent"] + consoles["percent"],
        "kept waiting p95 ms": percentile(crowd["late_ms"], 0.95),
        "consoles": consoles["opened"],
        "refused": consoles["refused"],
        "broken": consoles["broken"],
        "consoles KiB/s": consoles["kib_s"],
        "echo p50 ms": percentile(consoles["echo_ms"], 0.5),
        "echo p95 ms": percentile(consoles["echo_ms"], 0.95),
    }
    notes = (
        "Percent of one core, coming in included. Those who ask keep to one core and let others go first;",
        "“kept waiting” is how much later than planned they asked: when it is large, this machine is too small.",
        "Echo: from a key on a serial line to its sign.",
    )
    return Table("What it takes", tuple(row), [row], notes)
