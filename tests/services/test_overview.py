"""The first page tells each role what runs and ends where they have to answer for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.policy import Role
from portal.services.overview import overview
from tests.factories import actor_for, make_vm
from tests.factories.moments import NOW


@pytest.mark.parametrize(
    ("role", "running", "ending"),
    [(Role.AUDITOR, 2, 2), (Role.ADMIN, 2, 2), (Role.APPROVER, 1, 1), (Role.REQUESTER, 0, 0)],
)
def test_who_answers_for_machines_sees_what_runs_and_ends_there(
    db: Session, role: Role, running: int, ending: int
) -> None:
    soon = NOW + timedelta(days=3)
    make_vm(db, name="here", department="farmacia", expires_at=soon)
    make_vm(db, name="there", department="laboratorio", expires_at=soon)
    seen = overview(db, actor=actor_for(db, "olga", role=role, department="farmacia"), now=NOW)
    assert (seen.running, len(seen.ends_soon)) == (running, ending)
