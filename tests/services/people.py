"""An account as the services make one."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal.core.policy import Grant, Role
from portal.models import Account
from portal.services import accounts
from tests.factories import make_department
from tests.factories.moments import NOW

PASSWORD = "quiet green river stone"


def create(db: Session, **changes: object) -> Account:
    ordinary = {
        "actor": None,
        "login": "ada",
        "name": "Ada Romero",
        "email": "ada@hospital.example",
        "password": PASSWORD,
        "grants": [Grant(Role.REQUESTER, make_department(db).id)],
        "now": NOW,
    }
    return accounts.create_account(db, **{**ordinary, **changes})  # type: ignore[arg-type]
