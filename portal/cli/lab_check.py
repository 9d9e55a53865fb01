"""`vivero lab check`: proves on a real seat that each step can fail and can be done."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.cli.work import one_clear_line
from portal.config import read_settings
from portal.core.errors import N_, NoCapacity, NotFound
from portal.core.lifecycle import HostState
from portal.core.quota import Amount
from portal.interfaces import HostAddress
from portal.models import Host, Lab
from portal.services.capacity import claimed_by_host, load_of
from portal.services.seat_designs import SeatDesign, design_of
from portal.wiring import build_site, close_site, sync_catalogue
from portal.workflows.lab_trials import StepTrial, try_lab


def check(
    slug: Annotated[str, typer.Argument(help="The lab's folder name.")],
    host: Annotated[str, typer.Option(help="The host that carries the seat; by default the emptiest.")] = "",
) -> None:
    """Boot one seat and show that each step's checks fail before its solution and pass after it. Exit code 1 if not."""
    with one_clear_line():
        site = build_site(read_settings())
        try:
            with site.write_sessions.begin() as db:
                sync_catalogue(site.settings, db, now=site.clock())
            with site.sessions() as db:
                design, address = design_in(db, slug), host_for(db, slug, host)
            trials = try_lab(site, design, address, say=say)
        finally:
            close_site(site)
    broken = [trial for trial in trials if not trial.ok]
    typer.echo(f"{slug}: {len(trials) - len(broken)} of {len(trials)} steps are good")
    if broken:
        raise typer.Exit(1)


def say(trial: StepTrial) -> None:
    typer.echo(f"{trial.step}: {trial.trouble or 'fails before, passes after'}")


def design_in(db: Session, slug: str) -> SeatDesign:
    lab = db.get(Lab, slug)
    if lab is None or lab.newest is None or lab.errors or lab.gone:
        raise NotFound(N_("There is no lab “%(slug)s” without mistakes; “vivero lab read” names them."), slug=slug)
    return design_of(db, lab.newest)


def host_for(db: Session, slug: str, name: str) -> HostAddress:
    """The named one, or the one with the most memory left."""
    if name:
        named = db.scalars(select(Host).where(Host.name == name)).first()
        if named is None:
            raise NotFound(N_("There is no host “%(name)s”."), name=name)
        return named.reached_at
    claimed = claimed_by_host(db)
    loads = [load_of(one, claimed.get(one.id, Amount())) for one in db.scalars(select(Host))]
    usable = [load for load in loads if load.usable and load.host.state == HostState.ACTIVE]
    if not usable:
        raise NoCapacity(N_("No host can take a seat of the lab “%(slug)s” now."), slug=slug)
    return max(usable, key=lambda load: load.free.memory_mib).host.reached_at
