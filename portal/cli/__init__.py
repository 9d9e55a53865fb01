"""The `vivero` command: one file a noun, gathered here by name."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module

import typer

# Only the noun that is asked for is loaded: a worker has no use for the pages, and the server none for the worker,
# which together would cost 30 MiB of the memory that both may have.
NOUNS: Mapping[str, str] = {
    "server": "portal.cli.server:server",
    "worker": "portal.cli.worker:worker",
    "migrate": "portal.cli.migrate:migrate",
    "template": "portal.cli.template:app",
    "lab": "portal.cli.lab:app",
    "minicluster": "portal.cli.minicluster:app",
    "host": "portal.cli.host:app",
    "account": "portal.cli.account:app",
    "token": "portal.cli.token:app",
    "reconcile": "portal.cli.reconcile:reconcile",
    "demo": "portal.cli.demo:demo",
    "bench": "portal.cli.bench:app",
}


def make_app(nouns: Iterable[str] = NOUNS) -> typer.Typer:
    """The command with these nouns: each is a group of commands or one command."""
    app = typer.Typer(name="vivero", no_args_is_help=True, add_completion=False)
    app.callback()(vivero)
    for noun in nouns:
        module, name = NOUNS[noun].split(":")
        found = getattr(import_module(module), name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=noun)
        else:
            app.command(name=noun)(found)
    return app


def vivero() -> None:
    """Provisioning portal and training lab for a hospital's own virtual machines."""


def main() -> None:
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    make_app([asked] if asked in NOUNS else NOUNS)()
