"""Runs migrations over the connection that `portal.services.migrations` hands in."""

from __future__ import annotations

from alembic import context

from portal.models import Base


def migrate() -> None:
    """Batch mode: SQLite changes a table by copying it."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


migrate()
