"""Writers of one process take turns on SQLite: nobody polls, and no turn is lost with who had it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from portal.models import turns
from portal.models.database import make_sessions, make_write_sessions, open_database


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path}/some.db")
    with make_write_sessions(engine).begin() as db:
        db.execute(text("CREATE TABLE lines (words TEXT)"))
    yield engine
    engine.dispose()


def write(engine: Engine, words: str) -> None:
    with make_write_sessions(engine).begin() as db:
        db.execute(text("INSERT INTO lines VALUES (:words)"), {"words": words})


def lines(engine: Engine) -> list[str]:
    with make_sessions(engine)() as db:
        return list(db.scalars(text("SELECT words FROM lines")))


def test_a_second_writer_goes_on_when_the_first_has_committed(engine: Engine) -> None:
    first = make_write_sessions(engine)()
    first.execute(text("INSERT INTO lines VALUES ('first')"))
    second = threading.Thread(target=write, args=(engine, "second"))
    second.start()
    assert lines(engine) == []  # who reads waits for nobody
    first.commit()
    second.join(timeout=5)
    first.close()
    assert lines(engine) == ["first", "second"]


def test_a_turn_ends_with_a_session_that_was_rolled_back_or_closed_or_whose_connection_was_thrown_away(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.0)
    for end in ("rollback", "close", "invalidate"):
        db = make_write_sessions(engine)()
        db.execute(text("INSERT INTO lines VALUES ('lost')"))
        getattr(db, end)()
        write(engine, end)
    assert lines(engine) == ["rollback", "close", "invalidate"]


def test_a_turn_is_given_back_when_another_process_holds_the_database(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.0)
    other = open_database(str(engine.url))
    holder = make_write_sessions(other)()
    holder.execute(text("INSERT INTO lines VALUES ('holder')"))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=1")
        connection.rollback()
    with pytest.raises(OperationalError):
        write(engine, "refused")
    holder.commit()
    holder.close()
    write(engine, "after")
    other.dispose()
    assert lines(engine) == ["holder", "after"]


def test_who_is_not_in_a_hurry_does_not_wait_for_another_writer(engine: Engine) -> None:
    with make_write_sessions(engine).begin() as first:
        first.execute(text("INSERT INTO lines VALUES ('first')"))
        with pytest.raises(turns.Busy), make_write_sessions(engine).begin() as second:
            second.connection(execution_options=turns.UNHURRIED)
    with make_write_sessions(engine).begin() as third:
        third.connection(execution_options=turns.UNHURRIED)
        third.execute(text("INSERT INTO lines VALUES ('third')"))
    write(engine, "last")
    assert lines(engine) == ["first", "third", "last"]
