"""`vivero minicluster`: hypervisor hosts made of namespaces on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from portal.config import read_settings
from portal.core.errors import PortalError
from portal.minicluster import Minicluster

app = typer.Typer(help="Bring up, look at and end real hypervisor hosts on this one machine (needs root).")

StateDir = Annotated[
    Path | None, typer.Option(help="Where everything of this minicluster lies; by default var/minicluster.")
]


@contextmanager
def one_clear_line() -> Iterator[None]:
    """Expected trouble is one line and exit code 1."""
    try:
        yield
    except PortalError as error:
        typer.echo(f"vivero: {error}", err=True)
        raise typer.Exit(1) from error


def minicluster_of(state_dir: Path | None) -> Minicluster:
    return Minicluster(state_dir or read_settings().var / "minicluster")


@app.command()
def up(hosts: Annotated[int, typer.Option(help="How many hosts.")] = 3, state_dir: StateDir = None) -> None:
    """Start the hosts that do not run yet and return when all of them answer."""
    with one_clear_line():
        inventory = minicluster_of(state_dir).up(hosts, progress=typer.echo)
    typer.echo(f"{len(inventory.hosts)} hosts run. Department network: {inventory.department_network}")


@app.command()
def down(
    forget: Annotated[bool, typer.Option(help="Also delete the cabinet: templates and machines' disks.")] = False,
    state_dir: StateDir = None,
) -> None:
    """End all hosts with their guests, networks and mounts. Works also after a crash."""
    with one_clear_line():
        minicluster_of(state_dir).down(forget=forget)
    typer.echo("The minicluster is down.")


@app.command()
def status(state_dir: StateDir = None) -> None:
    """Show each host: whether it lives, whether libvirt answers, and its running guests."""
    with one_clear_line():
        seen = minicluster_of(state_dir).status()
    if not seen:
        typer.echo("The minicluster is down.")
    for host in seen:
        life = "alive" if host.alive else "dead"
        libvirt = "libvirt answers" if host.libvirt_answers else "libvirt does not answer"
        typer.echo(f"{host.name}  {host.address}  {life}  {libvirt}  guests: {', '.join(host.guests) or 'none'}")


@app.command()
def power_cut(host: str, state_dir: StateDir = None) -> None:
    """Pull a host's plug: it dies at once with its guests. For exercises."""
    with one_clear_line():
        minicluster_of(state_dir).power_cut(host)
    typer.echo(f"{host} has no power.")


@app.command()
def power_on(host: str, state_dir: StateDir = None) -> None:
    """Give a host its power back and return when it answers."""
    with one_clear_line():
        minicluster_of(state_dir).power_on(host)
    typer.echo(f"{host} answers.")
