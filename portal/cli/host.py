"""`vivero host`: the hosts of the cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from portal.cli.work import one_clear_line, print_table, reading, utc_now, writing
from portal.config import read_settings
from portal.core.lifecycle import HostState
from portal.services import capacity, hosts
from portal.wiring import build_site

app = typer.Typer(help="Make hosts known, look at them, and take them out of use.", no_args_is_help=True)


@app.command()
def add(
    name: str,
    address: str,
    port: Annotated[int, typer.Option(help="SSH's port.")] = 22,
    user: Annotated[str, typer.Option(help="Who logs in there.")] = "root",
) -> None:
    """Make a host known, or change its address. “vivero host refresh” then asks what it can carry."""
    with one_clear_line(), writing() as db:
        hosts.add_host(db, actor=None, name=name, address=address, port=port, user=user, now=utc_now())
    typer.echo(f"{name} is known.")


@app.command(name="list")
def list_hosts() -> None:
    """List the hosts with what they carry."""
    with one_clear_line(), reading() as db:
        rows = [
            (
                load.host.name,
                str(load.host.state),
                load.host.accelerator or "?",
                str(load.vms),
                f"{load.claimed.vcpus}/{load.total.vcpus}",
                f"{load.claimed.memory_mib}/{load.total.memory_mib}",
                load.host.trouble[:60],
            )
            for load in capacity.cluster(db).hosts
        ]
        print_table(("name", "state", "accelerator", "machines", "vcpus", "memory MiB", "trouble"), rows)


@app.command()
def state(
    name: str,
    to: Annotated[HostState, typer.Argument(help="active, draining, maintenance or lost.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")] = "",
) -> None:
    """Take a host out of use, or into use again."""
    with one_clear_line(), writing() as db:
        host = hosts.by_name(db, name)
        hosts.set_state(db, actor=None, host_id=host.id, state=to, now=utc_now(), reason=reason)
    typer.echo(f"{name} is now {to}.")


@app.command()
def refresh(name: Annotated[str, typer.Argument(help="One host; by default all.")] = "") -> None:
    """Ask hosts what they are and what they run. Exit code 1 if one does not answer."""
    silent = []
    with one_clear_line():
        site = build_site(read_settings())
        with site.write_sessions() as db:
            known = [hosts.by_name(db, name)] if name else hosts.all_hosts(db)
            for host in known:
                seen = hosts.refresh(db, hypervisor=site.hypervisor, host=host, now=site.clock())
                db.commit()
                silent += [seen.name] if seen.trouble else []
                typer.echo(
                    f"{seen.name}: {seen.trouble or f'{seen.vcpus} vCPU, {seen.memory_mib} MiB, {seen.accelerator}'}"
                )
        site.hypervisor.close()
    if silent:
        raise typer.Exit(1)
