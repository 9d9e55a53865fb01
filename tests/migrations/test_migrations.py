"""The migrations make exactly the tables of the models, and can be taken back, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from portal.models import Base
from portal.services import migrations


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


def test_a_migrated_database_knows_its_revision(engine: Engine) -> None:
    assert migrations.present(engine) == migrations.newest()


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    migrations.upgrade(engine)
    assert migrations.present(engine) == migrations.newest()


def test_history_imports_no_portal_code() -> None:
    texts = [path.read_text() for path in Path(migrations.FOLDER, "versions").glob("*.py")]
    assert texts
    assert not any("portal" in text for text in texts)
