"""`vivero reconcile`: its exit code says whether something is left to look at."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.cli.conftest import Vivero


def test_what_agrees_is_exit_code_0(vivero: Vivero) -> None:
    assert "agree" in vivero("reconcile")


def test_a_broken_audit_log_is_something_left_also_after_healing(vivero: Vivero, db: Session) -> None:
    vivero("account", "department", "uci", "--name", "UCI")
    db.execute(text("DROP TRIGGER audit_entries_kept_update"))
    db.execute(text("UPDATE audit_entries SET actor = 'Eve'"))
    db.commit()
    assert "The audit log was changed at entry 1." in vivero("reconcile", code=2)
    assert "The audit log was changed at entry 1." in vivero("reconcile", "--heal", code=2)
