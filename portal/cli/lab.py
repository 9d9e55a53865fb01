"""`vivero lab`: read, list and try the labs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from portal.backends.labs_folder import read_lab, read_labs
from portal.cli.lab_check import check
from portal.cli.template import one_clear_line
from portal.config import Settings, read_settings
from portal.core.errors import N_, NotFound
from portal.core.labs import BrokenLab, LabSpec

app = typer.Typer(help="Read, list and try the labs of labs/.", no_args_is_help=True)
app.command()(check)

Slugs = Annotated[list[str] | None, typer.Argument(help="Folder names, for example isolation; all if none is given.")]


@app.command()
def read(slugs: Slugs = None) -> None:
    """Read the folders: fields, scripts and both guides. Says file, line and field of each mistake."""
    with one_clear_line():
        found = wanted(read_settings(), slugs or [])
    if sum([is_broken(each) for each in found]):
        raise typer.Exit(1)


@app.command(name="list")
def list_() -> None:
    """List the labs: how many machines a seat has, how many steps there are, or what is wrong."""
    with one_clear_line():
        found = read_labs(read_settings().labs_dir)
    for each in found:
        typer.echo(f"{each.slug:<24} {state_of(each)}")


def wanted(settings: Settings, slugs: Iterable[str]) -> list[LabSpec | BrokenLab]:
    names = list(slugs)
    if not names:
        return read_labs(settings.labs_dir)
    return [read_lab(folder_of(settings, slug)) for slug in names]


def folder_of(settings: Settings, slug: str) -> Path:
    if Path(slug).name != slug or not (settings.labs_dir / slug).is_dir():
        raise NotFound(N_("There is no lab “%(slug)s”."), slug=slug[:60])
    return settings.labs_dir / slug


def is_broken(found: LabSpec | BrokenLab) -> bool:
    """Say what there is to say of this folder."""
    if isinstance(found, LabSpec):
        typer.echo(f"{found.slug}: good")
        return False
    for error in found.errors:
        typer.echo(f"{found.slug}/{error}", err=True)
    return True


def state_of(found: LabSpec | BrokenLab) -> str:
    if isinstance(found, BrokenLab):
        return f"broken: {found.errors[0]}"
    return f"{len(found.machines)} machines, {len(found.steps)} steps, {found.minutes} minutes: {found.title.en}"
