"""`vivero lab check`: proves on a real seat that each step can fail and can be done, and that both guides agree."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from sqlalchemy import select

from portal.cli.carried_trials import CarriedTrial, begin, clear
from portal.cli.signals import told_to_stop
from portal.cli.work import one_clear_line, print_table
from portal.config import read_settings
from portal.core.errors import PortalError, filled
from portal.core.lifecycle import LabTrialState
from portal.core.plain_data import from_plain
from portal.core.templates import TemplateError
from portal.logs import set_up_logging
from portal.models import Lab, LabTrial
from portal.site import Site
from portal.wiring import build_site, close_site, sync_catalogue

HEADS = ("lab", "version", "steps", "boot", "result")
GOOD = "fails before, passes after"
Stopping = Callable[[], bool]


@dataclass(frozen=True)
class Row:
    """A line of the table at the end."""

    good: bool
    cells: tuple[str, ...]


def check(
    slug: Annotated[str, typer.Argument(help="The lab's folder name.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Try all labs, one after the other.")] = False,
) -> None:
    """Boot one seat and show that each step's checks fail before its solution and pass after it. Exit code 1 if not."""
    if bool(slug) == everything:
        raise typer.BadParameter("name one lab, or say --all")
    set_up_logging(sys.stderr, libraries=logging.WARNING)
    with one_clear_line(), told_to_stop() as stopping:
        site = build_site(read_settings())
        try:
            rows = check_all(site, slug, stopping)
        finally:
            close_site(site)
    print_table(HEADS, [row.cells for row in rows])
    if stopping() or not all(row.good for row in rows):
        raise typer.Exit(1)


def check_all(site: Site, slug: str, stopping: Stopping) -> list[Row]:
    with site.write_sessions.begin() as db:
        sync_catalogue(site.settings, db, now=site.clock())
        known = [slug] if slug else list(db.scalars(select(Lab.slug).where(Lab.gone.is_(False)).order_by(Lab.slug)))
    clear(site)
    return [check_one(site, each, stopping) for each in known if not stopping()]


def check_one(site: Site, slug: str, stopping: Stopping) -> Row:
    try:
        carried = begin(site, slug)
    except PortalError as error:
        typer.echo(f"{slug}: {error}", err=True)
        return Row(False, (slug, "-", "-", "-", "not tried"))
    for trial in carried.watch(stopping):
        say_news(slug, carried, trial)
    return row_of(slug, carried)


def say_news(slug: str, carried: CarriedTrial, trial: LabTrial) -> None:
    """What is new since the last look: mistakes in the guides first, then step by step."""
    for mistake in trial.guide_mistakes[carried.mistakes_told :]:
        typer.echo(f"{slug}/{from_plain(TemplateError, mistake)}")
    for finding in trial.findings[carried.told :]:
        typer.echo(f"{slug}: {finding['step']}: {words_of(finding) or GOOD}")
    carried.mistakes_told, carried.told = len(trial.guide_mistakes), len(trial.findings)


def words_of(finding: dict[str, Any]) -> str:
    return filled(finding["trouble"], finding["params"])


def row_of(slug: str, carried: CarriedTrial) -> Row:
    trial, wanted = carried.trial(), carried.steps
    good = sum(not finding["trouble"] for finding in trial.findings)
    boot = f"{trial.boot_s:.1f} s" if trial.boot_s is not None else "-"
    is_good = trial.state == LabTrialState.PASSED and trial.ended_at is not None
    said = "; ".join(reasons(trial, carried)) if not is_good else "proven"
    return Row(is_good, (slug, str(trial.lab_version.version), f"{good} of {wanted} good", boot, said))


def reasons(trial: LabTrial, carried: CarriedTrial) -> Sequence[str]:
    said = [filled(trial.trouble, trial.trouble_params)] if trial.trouble else []
    if trial.guide_mistakes:
        said.append(f"{len(trial.guide_mistakes)} mistakes in its guides")
    bad = [finding["step"] for finding in trial.findings if finding["trouble"]]
    if bad:
        said.append(f"bad: {', '.join(bad)}")
    if trial.state == LabTrialState.STOPPED:
        said.append("stopped")
    if trial.ended_at is None:
        said.append("its seat may still be there; the next worker or the next “vivero lab check” takes it away")
    return [*said, carried.trouble] if carried.trouble else said
