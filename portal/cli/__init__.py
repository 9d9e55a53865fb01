"""The `vivero` command: one file a noun, gathered here."""

from __future__ import annotations

import typer

from portal.cli import account, demo, host, migrate, minicluster, reconcile, server, template, token, worker

app = typer.Typer(
    name="vivero",
    help="Provisioning portal and training lab for a hospital's own virtual machines.",
    no_args_is_help=True,
    add_completion=False,
)

app.add_typer(minicluster.app, name="minicluster")
app.add_typer(account.app, name="account")
app.add_typer(token.app, name="token")
app.add_typer(host.app, name="host")
app.command(name="reconcile")(reconcile.reconcile)
app.command(name="migrate")(migrate.migrate)
app.add_typer(template.app, name="template")
app.command(name="demo")(demo.demo)
app.command(name="server")(server.server)
app.command(name="worker")(worker.worker)


def main() -> None:
    app()
