"""Departments and people."""

from __future__ import annotations

from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.policy import HOUSE_ROLES, Actor, Role
from portal.models import Account, Department, Membership
from portal.services.accounts import actor_of
from tests.factories.moments import NOW

numbers = count(1)


def make_department(db: Session, slug: str = "farmacia", **changes: object) -> Department:
    """The department of this slug, made if it is not there yet."""
    department = db.scalar(select(Department).where(Department.slug == slug))
    if department is None:
        department = Department(**{"slug": slug, "name": slug.capitalize(), **changes})
        db.add(department)
        db.flush()
    return department


def make_account(
    db: Session,
    login: str | None = None,
    *,
    role: Role | None = Role.REQUESTER,
    department: str = "farmacia",
    **changes: object,
) -> Account:
    """A person with one role; `role=None` makes one who may nothing. The password cannot be used to log in."""
    login = login or f"person{next(numbers)}"
    ordinary = {
        "login": login,
        "name": login.capitalize(),
        "email": f"{login}@hospital.example",
        "password_hash": "not a hash",
        "created_at": NOW,
        "locale": "en",
    }
    account = Account(**{**ordinary, **changes})
    db.add(account)
    if role is not None:
        place = None if role in HOUSE_ROLES else make_department(db, department).id
        account.memberships.append(Membership(role=role, department_id=place))
    db.flush()
    return account


def actor_for(
    db: Session, login: str | None = None, *, role: Role | None = Role.REQUESTER, department: str = "farmacia"
) -> Actor:
    """The person of this login (made if not there yet), as the services know them."""
    known = db.scalar(select(Account).where(Account.login == login)) if login else None
    return actor_of(known or make_account(db, login, role=role, department=department))
