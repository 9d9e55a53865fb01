"""No list reads a whole table. On SQLite only: PostgreSQL plans by what is in the tables, here nothing."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from portal.core.policy import Role
from tests.factories import actor_for
from tests.services.lists import LISTS, queries


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("role", [Role.REQUESTER, Role.APPROVER, Role.ADMIN])
def test_lists_walk_along_an_index(db: Session, role: Role, name: str) -> None:
    actor = actor_for(db, "grace", role=role)
    connection = db.connection()
    plans = [
        row[3]
        for statement, parameters in queries(db, actor, name)
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
    ]
    walks = [plan for plan in plans if plan.startswith(("SCAN vm", "SCAN vms", "SEARCH vm"))]
    assert walks or role == Role.REQUESTER
    assert all("INDEX" in plan for plan in walks)
