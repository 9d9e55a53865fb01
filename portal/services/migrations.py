"""Brings the database to the tables this program expects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

FOLDER = Path(__file__).resolve().parent.parent.parent / "migrations"
MIGRATION_LOCK = 0x56495645524E  # PostgreSQL's advisory lock: two servers that start at once migrate once


def config_for(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    return ScriptDirectory.from_config(config_for()).get_current_head() or ""


def present(engine: Engine) -> str:
    """The revision of the database; empty when there is none yet."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(engine: Engine, revision: str = "head") -> None:
    with changing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        command.upgrade(config_for(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    with changing(engine) as connection:
        command.downgrade(config_for(connection), revision)


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """One transaction. SQLite changes a table by copying and dropping it, which its foreign keys would forbid: there
    they are looked at once, at the end (https://sqlite.org/lang_altertable.html, 7). Raises IntegrityError, and then
    nothing has changed.
    """
    with engine.connect() as connection:
        lite = connection.connection.driver_connection if connection.dialect.name == "sqlite" else None
        if lite is not None:
            lite.execute("PRAGMA foreign_keys=OFF")  # has no effect once a transaction has begun
        try:
            with connection.begin():
                yield connection
                if lite is not None and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                    raise IntegrityError("PRAGMA foreign_key_check", None, ValueError(f"broken rows: {broken[:5]}"))
        finally:
            if lite is not None:
                lite.execute("PRAGMA foreign_keys=ON")
