"""The migrations make exactly the tables of the models, and can be taken back, on both databases."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from portal.models import Base
from portal.models.database import make_write_sessions, open_database
from portal.services import migrations
from tests.factories import make_host, make_lab_session, make_seat, make_student


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


def test_the_migrated_tables_are_those_of_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_go_back_and_forth(engine: Engine) -> None:
    migrations.downgrade(engine, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    migrations.upgrade(engine)
    assert set(inspect(engine).get_table_names()) == set(Base.metadata.tables) | {"alembic_version"}


def test_rows_that_others_refer_to_survive_a_change_of_their_table(engine: Engine) -> None:
    """SQLite changes a table by copying and dropping it, which its foreign keys would forbid."""
    with make_write_sessions(engine).begin() as db:
        lab_session = make_lab_session(db, seats=2)
        student = make_student(db, lab_session)
        make_seat(db, lab_session, number=1, host_id=make_host(db).id, student_id=student.id)
    tables = ("lab_sessions", "students", "seats", "labs", "accounts")
    before = counts(engine, tables)
    migrations.downgrade(engine, "20261125_classes")
    assert counts(engine, tables) == before
    migrations.upgrade(engine)
    assert counts(engine, tables) == before


def test_rows_that_refer_to_nothing_stop_a_migration(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/old.db")
    migrations.upgrade(engine, "20261125_people")
    raw = sqlite3.connect(tmp_path / "old.db")  # somebody repaired it by hand
    raw.execute(
        "INSERT INTO lab_versions (id, lab_slug, version, digest, made_at, spec) VALUES ('1', 'no', 1, '', '', '{}')"
    )
    raw.commit()
    raw.close()
    with pytest.raises(IntegrityError, match="lab_versions"):
        migrations.upgrade(engine)
    assert migrations.present(engine) == "20261125_people"
    engine.dispose()


def counts(engine: Engine, tables: Sequence[str]) -> list[int]:
    with engine.connect() as connection:
        return [connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0 for table in tables]  # noqa: S608


def test_a_migrated_database_knows_its_revision(engine: Engine) -> None:
    assert migrations.present(engine) == migrations.newest()


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    migrations.upgrade(engine)
    assert migrations.present(engine) == migrations.newest()


def test_history_imports_no_portal_code() -> None:
    texts = [path.read_text() for path in Path(migrations.FOLDER, "versions").glob("*.py")]
    assert texts
    assert not any("portal" in text for text in texts)
