"""How much memory server and worker take together: at rest, and at work with people, machines and consoles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from portal.bench import ground, ours
from portal.bench.ground import Say, hosts_known, hosts_of, make_site, own_environ, temporary_folder, wait_for
from portal.bench.look_around import PAGES, PEOPLE, look_around
from portal.bench.pages import free_port, listens
from portal.bench.tables import Table
from portal.bench.weight import Held, held_by
from portal.core.lifecycle import VmRequestState
from portal.demo.cluster import Simulator
from portal.demo.processes import Children
from portal.demo.run import VIVERO
from portal.interfaces import HostAddress
from portal.models import VmRequest
from portal.site import Site
from portal.wiring import close_site

AIM_MIB = 250
MACHINES = 3
Row = Mapping[str, str | float | int | bool]


@dataclass(frozen=True)
class Portal:
    """A server and a worker that run."""

    site: Site
    children: Children
    port: int


def bench_memory(
    say: Say, *, hosts: bool = True, minicluster: Path | None = None, cabinet: Path | None = None
) -> Table:
    """Two portals one after the other: on the simulator, and on three real hosts."""
    with temporary_folder("memory") as var:
        rows = list(simulated(var / "simulator", say))
        if hosts:
            rows += real_hosts(var / "real", minicluster, cabinet, say)
    columns = ("moment", "server MiB", "worker MiB", "together MiB", "resident MiB", "aim")
    notes = (
        "Each process with its children; what several have in common is shared out (PSS), “resident” counts it twice.",
        f"At work: after {MACHINES} machines, {PEOPLE} log-ins, and {PEOPLE} × {PAGES} pages with the consoles open.",
        f"Aim: server and worker together under {AIM_MIB} MiB, what they share counted once.",
    )
    return Table("Memory", columns, rows, notes)


def simulated(var: Path, say: Say) -> Iterator[Row]:
    simulator = Simulator(var).up(say)
    yield from at_rest_and_at_work("simulator", own_environ(var) | dict(simulator.environ), simulator.hosts, var, say)


def real_hosts(var: Path, minicluster: Path | None, cabinet: Path | None, say: Say) -> Iterator[Row]:
    with hosts_of(minicluster, var, say) as inventory:
        environ = ground.environ_of(var, inventory)
        ground.provide_template(inventory, cabinet, environ, say)
        yield from at_rest_and_at_work("real hosts", environ, inventory.hosts, var, say)


def at_rest_and_at_work(
    name: str, environ: Mapping[str, str], hosts: Sequence[HostAddress], var: Path, say: Say
) -> Iterator[Row]:
    with started(environ, hosts, var, say) as portal:
        wait_for(
            lambda: hosts_known(portal.site, portal.children),
            seconds=90,
            what="the worker's first look at the hosts",
        )
        yield row_of(f"{name}, at rest", portal.children)
        vm_request_id = provision(portal.site)
        say(f"{MACHINES} machines are ready")
        look_around(portal.site, portal.port, vm_request_id)
        yield row_of(f"{name}, at work", portal.children)
        ours.take_away(portal.site)


@contextmanager
def started(environ: Mapping[str, str], hosts: Sequence[HostAddress], var: Path, say: Say) -> Iterator[Portal]:
    say("starting server and worker")
    port = free_port()
    environ = {**environ, "VIVERO_BASE_URL": f"http://127.0.0.1:{port}"}
    site = make_site(environ, hosts)
    children = Children(var / "logs", environ)
    children.start("server", [*VIVERO, "server", "--port", str(port)])
    children.start("worker", [*VIVERO, "worker"])
    try:
        wait_for(lambda: listens(port), seconds=90, what="the server's first answer")
        yield Portal(site, children, port)
    finally:
        children.stop(say=say)
        close_site(site)


def provision(site: Site) -> UUID:
    vm_request_id = ours.order(site, MACHINES, "bench")
    ours.approve(site, vm_request_id)
    wait_for(lambda: is_fulfilled(site, vm_request_id), seconds=180, what="fulfilling a request", every_s=0.2)
    return vm_request_id


def is_fulfilled(site: Site, vm_request_id: UUID) -> bool:
    with site.sessions() as db:
        return db.get_one(VmRequest, vm_request_id).state == VmRequestState.FULFILLED


def row_of(moment: str, children: Children) -> Row:
    held: Sequence[Held] = [held_by(process.pid) for _name, process in children.running]
    together = sum(held, Held(0.0, 0.0))
    return {
        "moment": moment,
        "server MiB": held[0].own,
        "worker MiB": held[1].own,
        "together MiB": together.own,
        "resident MiB": together.resident,
        "aim": together.own < AIM_MIB,
    }
