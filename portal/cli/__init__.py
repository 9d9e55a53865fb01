"""The `vivero` command: one file a noun, gathered here."""

from __future__ import annotations

import typer

from portal.cli import demo, minicluster, worker

app = typer.Typer(
    name="vivero",
    help="Provisioning portal and training lab for a hospital's own virtual machines.",
    no_args_is_help=True,
    add_completion=False,
)

app.add_typer(minicluster.app, name="minicluster")
app.command(name="demo")(demo.demo)
app.command(name="worker")(worker.worker)


def main() -> None:
    app()
