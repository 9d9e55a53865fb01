"""`vivero migrate`: from nothing to the newest tables and back."""

from __future__ import annotations

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


def test_an_unmigrated_database_is_one_clear_line(
    vivero: Vivero, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIVERO_DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")
    said = vivero("account", "list", code=1)
    assert said.startswith("vivero: ")
    assert "vivero migrate" in said
