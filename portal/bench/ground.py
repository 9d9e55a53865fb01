"""What cloning is measured on: three real hosts, micro-linux, a database of its own and a worker of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, update

from portal.backends import engine_dbos
from portal.backends.ansible_files import SshWay
from portal.backends.labs_folder import read_lab
from portal.backends.template_versions import versions
from portal.config import ROOT, read_settings
from portal.core.errors import N_, NotFound, OutsideUnavailable
from portal.core.labs import BrokenLab
from portal.demo.processes import Children
from portal.demo.run import VIVERO, command
from portal.interfaces import HostAddress
from portal.minicluster import Inventory, Minicluster, read_inventory
from portal.models import Host
from portal.models.database import open_database
from portal.services import migrations
from portal.services.seeds import seed_demo
from portal.site import Site
from portal.wiring import build_site, close_site, sync_catalogue

Say = Callable[[str], None]
TEMPLATE = "micro-linux"
OVERCOMMIT = 100.0  # thirty guests on whatever processors the bench's machine has


@dataclass(frozen=True)
class Ground:
    """`template_disk` is the path on the hosts; `ssh` is the way that all contenders take, kept open."""

    inventory: Inventory
    template_disk: str
    folder: str
    accelerator: str
    ssh: SshWay
    site: Site
    var: Path


def wait_for(question: Callable[[], bool], *, seconds: float, what: str, every_s: float = 0.05) -> None:
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            raise OutsideUnavailable(
                N_("%(what)s did not happen within %(seconds)s seconds."), what=what, seconds=seconds
            )
        time.sleep(every_s)


@contextmanager
def temporary_folder(purpose: str) -> Iterator[Path]:
    """On a disk, as guests' disks want; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"vivero-bench-{purpose}-", dir="/var/tmp"))  # noqa: S108 - a real disk
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def prepared(*, minicluster: Path | None, cabinet: Path | None, say: Say, lab: str | None = None) -> Iterator[Ground]:
    """Everything up, with the disks that this lab's machines have; leaving the block takes down what came up here."""
    with temporary_folder("clones") as var, hosts_of(minicluster, var, say) as inventory:
        environ = environ_of(var, inventory)
        disk = provide_template(inventory, cabinet, environ, say)
        for slug in templates_of(lab) if lab else ():
            provide_template(inventory, cabinet, environ, say, slug=slug)
        say("preparing a database and a worker")
        site = make_site(environ, inventory.hosts)
        children = Children(var / "logs", environ)
        children.start("worker", [*VIVERO, "worker"])
        control = Path(tempfile.mkdtemp(prefix="vivero-bench-ssh-"))  # paths of sockets must be short
        try:
            wait_for(lambda: hosts_known(site, children), seconds=90, what="the worker's first look at the hosts")
            storage = inventory.storage_dir
            way = SshWay(inventory.ssh_key, inventory.known_hosts, control)
            accelerator = accelerator_of(site)
            yield Ground(inventory, f"{storage}/{disk}", f"{storage}/bench", accelerator, way, site, var)
        finally:
            children.stop(say=say)
            close_site(site)
            shutil.rmtree(control, ignore_errors=True)


@contextmanager
def hosts_of(state_dir: Path | None, var: Path, say: Say) -> Iterator[Inventory]:
    if state_dir is not None:
        file = state_dir / "inventory.json"
        if not file.is_file():
            raise NotFound(N_("No minicluster runs in %(folder)s."), folder=str(state_dir))
        yield read_inventory(file)
        return
    cluster = Minicluster(var / "minicluster")
    try:
        yield cluster.up(3, owner_pid=os.getpid(), progress=say)
    finally:
        cluster.down(forget=True)


def own_environ(var: Path) -> dict[str, str]:
    """Nothing of the administrator's own settings decides what is measured."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("VIVERO_")}
    return {**others, "PYTHONPATH": str(ROOT), "VIVERO_VAR": str(var)}


def environ_of(var: Path, inventory: Inventory) -> dict[str, str]:
    return {
        **own_environ(var),
        "VIVERO_SSH_KEY": str(inventory.ssh_key),
        "VIVERO_SSH_KNOWN_HOSTS": str(inventory.known_hosts),
        "VIVERO_STORAGE_DIR": inventory.storage_dir,
        "VIVERO_CABINET": str(inventory.cabinet),
        "VIVERO_DEPARTMENT_NETWORK": inventory.department_network,
        "VIVERO_DEPARTMENT_GATEWAY": inventory.department_gateway,
    }


def templates_of(lab: str) -> list[str]:
    """What a shipped lab's machines are made from. Raises NotFound."""
    found = read_lab(ROOT / "labs" / lab)
    if isinstance(found, BrokenLab):
        raise NotFound(N_("There is no lab “%(slug)s”."), slug=lab)
    return sorted({machine.template for machine in found.machines})


def provide_template(
    inventory: Inventory, cabinet: Path | None, environ: Mapping[str, str], say: Say, *, slug: str = TEMPLATE
) -> str:
    """The newest disk of the template: the one that is there, a copy from another cabinet, or a new build."""
    if not versions(inventory.cabinet, slug):
        known = versions(cabinet, slug) if cabinet is not None else []
        if cabinet is not None and known:
            say(f"copying the template {slug}")
            copy_version(cabinet / known[-1].disk, inventory.cabinet / "templates" / slug)
        else:
            say(f"building the template {slug}")
            command(environ, "template", "build", slug, "--if-changed")
    built = versions(inventory.cabinet, slug)
    if not built:
        raise NotFound(N_("There is no disk of %(template)s."), template=slug)
    return built[-1].disk


def copy_version(disk: Path, folder: Path) -> None:
    """The description last: a version counts once both are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in (disk, disk.with_suffix(".json")):
        shutil.copy2(source, folder / source.name)


def make_site(environ: Mapping[str, str], hosts: Sequence[HostAddress]) -> Site:
    """A migrated database with the demonstration's hospital."""
    settings = read_settings(environ)
    engine = open_database(settings.database_url)
    migrations.upgrade(engine)
    engine_dbos.migrate(settings.engine_database_url)
    engine.dispose()
    site = build_site(settings)
    with site.write_sessions.begin() as db:
        sync_catalogue(settings, db, now=site.clock())
        seed_demo(db, known_hosts=hosts, now=site.clock())
        db.execute(update(Host).values(cpu_overcommit=OVERCOMMIT))
    return site


def hosts_known(site: Site, children: Children) -> bool:
    if children.ended():
        raise OutsideUnavailable(N_("The worker ended: %(said)s"), said=children.tail("worker"))
    with site.sessions() as db:
        return all(host.seen_at and not host.trouble for host in db.scalars(select(Host)))


def accelerator_of(site: Site) -> str:
    """All hosts are alike here."""
    with site.sessions() as db:
        return "kvm" if set(db.scalars(select(Host.accelerator))) == {"kvm"} else "qemu"
