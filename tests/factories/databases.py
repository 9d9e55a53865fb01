"""Databases for tests, made by migrating: SQLite as a copied file, PostgreSQL as a copied database of one server."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session, sessionmaker

from portal.models.database import make_sessions, make_write_sessions, open_database
from portal.services.migrations import upgrade

numbers = count(1)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "vivero.db"
    engine = open_database(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "vivero.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def kept_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One engine for a whole run: it remembers how statements are compiled, which costs more than their answers."""
    return open_database(f"sqlite:///{tmp_path_factory.mktemp('kept')}/vivero.db")


@pytest.fixture
def kept_url(kept_engine: Engine, migrated_sqlite: Path) -> Iterator[str]:
    """A fresh database under the kept engine's address; for tests whose threads end with them."""
    path = Path(str(kept_engine.url.database))
    for old in path.parent.iterdir():
        old.unlink()
    shutil.copy(migrated_sqlite, path)
    yield kept_engine.url.render_as_string()
    kept_engine.dispose()


def as_postgres() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


def postgres_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else Path(shutil.which("initdb") or "/usr/bin/initdb").parent


@contextmanager
def postgres_server() -> Iterator[str]:
    """A server of our own on a unix socket in a temporary folder; yields an address with %s for the database."""
    programs, options = (
        postgres_programs(),
        "-c fsync=off -c full_page_writes=off -c listen_addresses= -c max_connections=200",
    )
    with TemporaryDirectory(prefix="vivero-pg-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:  # noqa: S108
        Path(folder).chmod(0o777)  # noqa: S103 - the server runs as another user
        data = Path(folder) / "data"
        run = {"check": True, "capture_output": True, "cwd": folder, **as_postgres()}
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "vivero", "-A", "trust", "-E", "UTF8", "--no-sync"], **run
        )
        start = [programs / "pg_ctl", "-D", data, "-l", f"{folder}/log", "-w", "-o", f"{options} -k {folder}", "start"]
        subprocess.run(start, **{**run, "capture_output": False, "stdout": subprocess.DEVNULL})
        try:
            yield f"postgresql+psycopg://vivero@/%s?host={folder}"
        finally:
            subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], **run)


@pytest.fixture(scope="session")
def migrated_postgres() -> Iterator[str]:
    with postgres_server() as address:
        admin = create_engine(address % "postgres", isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("CREATE DATABASE migrated"))
        engine = open_database(address % "migrated")
        upgrade(engine)
        engine.dispose()
        yield address
        admin.dispose()


@pytest.fixture
def postgres_url(migrated_postgres: str) -> Iterator[str]:
    name = f"test_{next(numbers)}"
    admin = create_engine(migrated_postgres % "postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE migrated"))
    yield migrated_postgres % name
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_database_url(request: pytest.FixtureRequest) -> str:
    """Both databases, one after the other."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database_url(kept_url: str) -> str:
    """The database of an ordinary test; a folder of tests may put `any_database_url` in its place."""
    return kept_url


@pytest.fixture
def engine(database_url: str, kept_engine: Engine) -> Iterator[Engine]:
    kept = database_url == kept_engine.url.render_as_string()
    engine = kept_engine if kept else open_database(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    return make_sessions(engine)


@pytest.fixture
def write_sessions(engine: Engine) -> sessionmaker[Session]:
    return make_write_sessions(engine)


@pytest.fixture
def db(write_sessions: sessionmaker[Session]) -> Iterator[Session]:
    with write_sessions() as db:
        yield db
