"""`vivero migrate`: brings the database to the tables this program expects."""

from __future__ import annotations

from typing import Annotated

import typer

from portal.backends import engine_dbos
from portal.cli.work import one_clear_line
from portal.config import read_settings
from portal.models.database import open_database
from portal.services import migrations


def migrate(
    revision: Annotated[str, typer.Argument(help="The revision to go to; by default the newest.")] = "head",
    back: Annotated[
        bool, typer.Option("--back", help="Go back to an older revision. Data of newer tables is lost.")
    ] = False,
) -> None:
    """Create or change the tables of the database. Doing it again changes nothing."""
    with one_clear_line():
        settings = read_settings()
        settings.var.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine = open_database(settings.database_url)
        if back:
            migrations.downgrade(engine, revision)
        else:
            migrations.upgrade(engine, revision)
            engine_dbos.migrate(settings.engine_database_url)
        typer.echo(f"The database is at revision {migrations.present(engine) or 'none'}.")
