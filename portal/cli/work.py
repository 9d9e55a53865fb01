"""What commands share: one clear line for expected trouble, and a transaction on the configured database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import typer
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from portal.config import BadSetting, Settings, read_settings
from portal.core.errors import InvalidOrder, PortalError
from portal.models.database import make_sessions, make_write_sessions, open_database
from portal.services.audit import chain_key


@contextmanager
def one_clear_line() -> Iterator[None]:
    """Expected trouble is one line and exit code 1."""
    try:
        yield
    except InvalidOrder as error:
        stop("; ".join(str(one) for one in error.errors), error)
    except (PortalError, BadSetting) as error:
        stop(str(error), error)
    except (OperationalError, ProgrammingError) as error:
        reason = str(error.orig).splitlines()[0]
        unmigrated = "no such table" in reason or "does not exist" in reason
        hint = "; has “vivero migrate” been run?" if unmigrated else ". Try again in a minute."
        stop(f"the database does not answer as expected: {reason}{hint}", error)


def stop(message: str, error: Exception) -> None:
    typer.echo(f"vivero: {message}", err=True)
    raise typer.Exit(1) from error


@contextmanager
def reading(settings: Settings | None = None) -> Iterator[Session]:
    """The database as it is now; nobody who writes has to wait."""
    settings = settings or read_settings()
    engine = open_database(settings.database_url)
    try:
        with make_sessions(engine, audit_key=chain_key(settings.secret_key))() as db:
            yield db
    finally:
        engine.dispose()


@contextmanager
def writing(settings: Settings | None = None) -> Iterator[Session]:
    """One transaction: all of the command or nothing."""
    settings = settings or read_settings()
    engine = open_database(settings.database_url)
    try:
        with make_write_sessions(engine, audit_key=chain_key(settings.secret_key)).begin() as db:
            yield db
    finally:
        engine.dispose()


def utc_now() -> datetime:
    return datetime.now(UTC)


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for row in [heads, *rows]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
