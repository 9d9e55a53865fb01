"""Opens the database: SQLite with WAL by default, PostgreSQL for many workers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from portal.core.errors import N_, Invalid
from portal.models.turns import Turns

# A process that freezes in a transaction must not hold its locks for ever: PostgreSQL ends the transaction.
IDLE_IN_TRANSACTION_MS = 15_000
NO_DATABASE = N_("VIVERO_DATABASE_URL is no address of a database: sqlite:////path or postgresql://user@host/name.")


def open_database(url: str, *, pool_size: int = 10) -> Engine:
    """Return an engine. SQLite: write-ahead log, foreign keys, 10 s of patience, and writers queue up front.

    A transaction on SQLite begins with BEGIN IMMEDIATE only when asked (see `begin_immediate`); reads never wait.
    """
    parsed = parsed_url(url)
    if url.startswith("sqlite"):
        keep_private(parsed.database)
        engine = create_engine(url, connect_args={"timeout": 10, "check_same_thread": False})
        event.listen(engine, "connect", prepare_sqlite)
        turns = Turns(engine)
        event.listen(engine, "begin", lambda connection: begin_sqlite(connection, turns))
        return engine
    options = {"options": f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"}
    return create_engine(
        driver_url(url), pool_size=pool_size, max_overflow=20, pool_pre_ping=True, connect_args=options
    )


def parsed_url(url: str) -> URL:
    """The address in its parts. Invalid, without the address: it may hold a password."""
    try:
        parsed = make_url(driver_url(url))
    except (ArgumentError, ValueError) as error:
        raise Invalid(NO_DATABASE) from error
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise Invalid(NO_DATABASE)
    return parsed


def keep_private(path: str | None) -> None:
    """Password hashes, log-ins and mails are for nobody else on this machine. SQLite's side files follow the file."""
    if not path or path == ":memory:":
        return
    file = Path(path)
    if file.parent.is_dir():
        file.touch(mode=0o600)
        if file.stat().st_uid == os.geteuid():
            file.chmod(0o600)


def driver_url(url: str) -> str:
    """postgresql:// means psycopg 3 here."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's late one
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def begin_sqlite(connection: Any, turns: Turns) -> None:
    """BEGIN IMMEDIATE where execution option vivero_write is set: a writer that read first can't be upgraded late."""
    if connection.get_execution_options().get("vivero_write", False):
        turns.begin(connection)
    else:
        connection.exec_driver_sql("BEGIN")


AUDIT_KEY = "vivero_audit_key"


def make_sessions(engine: Engine, *, audit_key: bytes = b"") -> sessionmaker[Session]:
    """`audit_key` (services/audit.chain_key) travels with each session: whoever changes something writes it down."""
    return sessionmaker(engine, expire_on_commit=False, info={AUDIT_KEY: audit_key})


def make_write_sessions(engine: Engine, *, audit_key: bytes = b"") -> sessionmaker[Session]:
    """Sessions for work that reads and then writes: on SQLite they take the write lock at their start."""
    info = {AUDIT_KEY: audit_key}
    return sessionmaker(engine.execution_options(vivero_write=True), expire_on_commit=False, info=info)
