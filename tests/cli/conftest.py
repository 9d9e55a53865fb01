"""Runs `vivero` commands on a simulator of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from portal.cli import make_app


class Vivero:
    """The command; every call must end with the code that is expected."""

    def __init__(self, db: Session) -> None:
        self.runner = CliRunner()
        self.db = db

    def __call__(self, *words: str, code: int = 0, stdin: str = "") -> str:
        self.db.rollback()  # the test's own transaction must not keep the command waiting
        result: Result = self.runner.invoke(make_app([words[0]]), list(words), input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result.output


@pytest.fixture
def vivero(tmp_path: Path, db: Session, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Vivero:
    settings = {"VAR": str(tmp_path), "DATABASE_URL": database_url, "HYPERVISOR": "fake", "PLAYBOOKS": "fake"}
    for name, value in {**settings, "SIMULATOR": "true"}.items():
        monkeypatch.setenv(f"VIVERO_{name}", value)
    return Vivero(db)
