"""A process that freezes inside a transaction holds its locks for a while only."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from portal.backends.engine_dbos import engine_url
from portal.models.database import driver_url, open_database

ASK = text("SHOW idle_in_transaction_session_timeout")


@pytest.mark.postgres
def test_postgresql_ends_a_transaction_in_which_nothing_happens(postgres_url: str) -> None:
    ours, engines = open_database(postgres_url), create_engine(driver_url(engine_url(postgres_url)))
    with ours.connect() as own, engines.connect() as of_the_engine:
        assert (own.scalar(ASK), of_the_engine.scalar(ASK)) == ("15s", "15s")
    ours.dispose()
    engines.dispose()
