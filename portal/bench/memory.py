"""How much memory server and worker take together: at rest, and after pages and a machine."""

from __future__ import annotations

import http.client
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from portal.bench import ours
from portal.bench.crowd import ask
from portal.bench.ground import Say, hosts_known, make_site, temporary_folder, wait_for
from portal.bench.pages import free_port, listens
from portal.bench.tables import Table
from portal.config import ROOT
from portal.core.lifecycle import VmRequestState
from portal.demo.cluster import Simulator
from portal.demo.processes import Children
from portal.demo.run import VIVERO
from portal.models import Account, Vm, VmRequest
from portal.services import login_sessions
from portal.site import Site

AIM_MIB = 250
PAGES = 30
PEOPLE = 10
# What a real cluster loads as well; there is none to talk to, and nobody asks it for anything.
REAL = {"VIVERO_HYPERVISOR": "libvirt", "VIVERO_PLAYBOOKS": "ansible", "VIVERO_SIMULATOR": "false"}


@dataclass(frozen=True)
class Held:
    """Memory of one program with its children, in MiB. `own` shares out what processes have in common (PSS)."""

    resident: float
    own: float

    def __add__(self, other: Held) -> Held:
        return Held(self.resident + other.resident, self.own + other.own)


def held_by(pid: int) -> Held:
    """A process that ended meanwhile holds nothing."""
    found = Held(0.0, 0.0)
    for one in [pid, *descendants(pid)]:
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += Held(kib(text, "Rss") / 1024, kib(text, "Pss") / 1024)
    return found


def kib(text: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) if found else 0


def descendants(pid: int) -> Iterator[int]:
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, tasks.read_text().split()):
            yield child
            yield from descendants(child)


def bench_memory(say: Say) -> Table:
    """Two portals one after the other: the simulator at work, and the real cluster's parts at rest."""
    with temporary_folder("memory") as var:
        rows = [*simulated(var / "simulator", say), real_at_rest(var / "real", say)]
    columns = ("moment", "server MiB", "worker MiB", "together MiB", "resident MiB", "aim")
    notes = (
        "Each process with its children; what several have in common is shared out (PSS), “resident” counts it twice.",
        f"Aim: server and worker together under {AIM_MIB} MiB.",
    )
    return Table("Memory", columns, rows, notes)


def simulated(var: Path, say: Say) -> Iterator[Mapping[str, str | float | int | bool]]:
    environ, ground = environ_of(var), Simulator(var).up(say)
    environ |= ground.environ
    site = make_site(environ, ground.hosts)
    children, port = started(environ, var, say)
    try:
        wait_for(lambda: hosts_known(site, children), seconds=90, what="the worker's first look at the hosts")
        yield row_of("simulator, at rest", children)
        vm_request_id = provision(site)
        say("a machine is provisioned")
        look_around(site, port, vm_request_id)
        yield row_of(f"simulator, after a machine and {PEOPLE} × {PAGES} pages", children)
    finally:
        children.stop(say=say)


def real_at_rest(var: Path, say: Say) -> Mapping[str, str | float | int | bool]:
    environ = environ_of(var) | REAL
    make_site(environ, ())
    children, _port = started(environ, var, say)
    try:
        wait_for(lambda: "worker started" in children.tail("worker"), seconds=90, what="the worker's start")
        return row_of("real cluster's parts, at rest", children)
    finally:
        children.stop(say=say)


def environ_of(var: Path) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("VIVERO_")}
    return {**others, "PYTHONPATH": str(ROOT), "VIVERO_VAR": str(var)}


def started(environ: Mapping[str, str], var: Path, say: Say) -> tuple[Children, int]:
    say("starting server and worker")
    children, port = Children(var / "logs", environ), free_port()
    children.start("server", [*VIVERO, "server", "--port", str(port)])
    children.start("worker", [*VIVERO, "worker"])
    wait_for(lambda: listens(port), seconds=90, what="the server's first answer")
    return children, port


def provision(site: Site) -> UUID:
    vm_request_id = ours.order(site, 1, "bench")
    ours.approve(site, vm_request_id)
    wait_for(lambda: is_fulfilled(site, vm_request_id), seconds=120, what="a machine", every_s=0.2)
    return vm_request_id


def is_fulfilled(site: Site, vm_request_id: UUID) -> bool:
    with site.sessions() as db:
        return db.get_one(VmRequest, vm_request_id).state == VmRequestState.FULFILLED


def look_around(site: Site, port: int, vm_request_id: UUID) -> None:
    """The pages of the main road, again and again, by people who ask at the same time: each may meet another thread."""
    with site.write_sessions.begin() as db:
        person = db.scalars(select(Account).where(Account.login == ours.REQUESTER)).one()
        key = login_sessions.open_session(db, account_id=person.id, now=site.clock())
        vm_id = db.scalars(select(Vm.id).where(Vm.vm_request_id == vm_request_id)).one()
    paths = [
        "/",
        "/catalogue",
        "/catalogue/micro-linux/order",
        f"/vm-requests/{vm_request_id}",
        "/vms",
        f"/vms/{vm_id}",
    ]
    with ThreadPoolExecutor(PEOPLE) as threads:
        list(threads.map(lambda first: turn_pages(port, key, paths, first), range(PEOPLE)))


def turn_pages(port: int, key: str, paths: Sequence[str], first: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for number in range(first, first + PAGES):
        ask(connection, paths[number % len(paths)], {"Cookie": f"vivero_session={key}"})
    connection.close()


def row_of(moment: str, children: Children) -> Mapping[str, str | float | int | bool]:
    held: Sequence[Held] = [held_by(process.pid) for _name, process in children.running]
    together = sum(held, Held(0.0, 0.0))
    return {
        "moment": moment,
        "server MiB": held[0].own,
        "worker MiB": held[1].own,
        "together MiB": together.own,
        "resident MiB": together.resident,
        "aim": together.resident < AIM_MIB,
    }
