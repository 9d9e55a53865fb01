"""`vivero migrate`: from nothing to the newest tables and back."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy import inspect

from portal.models.database import open_database
from tests.cli.conftest import Vivero


def test_an_empty_folder_gets_a_database(vivero: Vivero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVERO_VAR", str(tmp_path / "new" / "var"))
    monkeypatch.delenv("VIVERO_DATABASE_URL")
    said = vivero("migrate")
    assert vivero("migrate") == said
    engine = open_database(f"sqlite:///{tmp_path}/new/var/vivero.db")
    assert "vm_requests" in inspect(engine).get_table_names()
    engine.dispose()


def test_the_database_and_its_folder_are_for_nobody_else(
    vivero: Vivero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIVERO_VAR", str(tmp_path / "new" / "var"))
    monkeypatch.delenv("VIVERO_DATABASE_URL")
    vivero("migrate")
    var = tmp_path / "new" / "var"
    assert stat.S_IMODE(var.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in var.glob("vivero.db*")} == {0o600}


@pytest.mark.parametrize("url", ["nonsense", "mysql://root:pino@db/vivero", "postgresql://u@host:port/x", "other://x"])
def test_a_mistyped_address_of_the_database_is_one_clear_line(
    vivero: Vivero, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("VIVERO_DATABASE_URL", url)
    said = vivero("account", "list", code=1)
    assert said.startswith("vivero: VIVERO_DATABASE_URL")
    assert len(said.splitlines()) == 1
    assert "pino" not in said


def test_an_unmigrated_database_is_one_clear_line(
    vivero: Vivero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIVERO_DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")
    said = vivero("account", "list", code=1)
    assert said.startswith("vivero: ")
    assert "vivero migrate" in said
