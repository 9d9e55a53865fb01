"""The demonstration's hospital: departments, one person a role, hosts. Again, it changes passwords only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.policy import Grant, Role
from portal.core.quota import Amount
from portal.interfaces import HostAddress
from portal.models import Account, Department
from portal.services import accounts, departments, hosts, log_ins, tokens
from portal.services.passwords import random_password

DEPARTMENTS = (
    ("informatica", "Informática", Amount(40, 80, 64 * 1024, 1000)),
    ("farmacia", "Farmacia", Amount(40, 60, 48 * 1024, 600)),
    ("formacion", "Formación", Amount(40, 60, 48 * 1024, 600)),
    ("laboratorio", "Laboratorio", Amount(20, 30, 24 * 1024, 300)),
    ("digestivo", "Digestivo", Amount(8, 12, 12 * 1024, 150)),
)


# Three hosts share one machine's processors here, and thirty small machines must find room on two of them.
DEMO_OVERCOMMIT = 16.0


@dataclass(frozen=True)
class Person:
    """`key` is the name in var/demo.json. Roles with the departments where they hold; none for the whole house."""

    key: str
    login: str
    name: str
    role: Role
    departments: tuple[str, ...] = ()


PEOPLE = (
    Person("requester", "solicitante", "Solicitante de Farmacia", Role.REQUESTER, ("farmacia",)),
    Person("requester2", "solicitante2", "Solicitante de Laboratorio", Role.REQUESTER, ("laboratorio",)),
    Person(
        "approver",
        "responsable",
        "Responsable de servicio",
        Role.APPROVER,
        ("farmacia", "laboratorio", "formacion", "digestivo", "informatica"),
    ),
    Person("teacher", "docente", "Docente de Formación", Role.TEACHER, ("formacion",)),
    Person("student", "estudiante", "Estudiante de Formación", Role.STUDENT, ("formacion",)),
    Person("admin", "administracion", "Administración de sistemas", Role.ADMIN),
    Person("auditor", "auditoria", "Auditoría", Role.AUDITOR),
)


@dataclass(frozen=True)
class Credentials:
    """Shown once, by who runs the demonstration."""

    user: str
    password: str = field(repr=False)
    token: str = field(repr=False)


def seed_demo(db: Session, *, known_hosts: Iterable[HostAddress], now: datetime) -> Mapping[str, Credentials]:
    places = {slug: ensure_department(db, slug, name, limit, now) for slug, name, limit in DEPARTMENTS}
    for host in known_hosts:
        added = hosts.add_host(
            db, actor=None, name=host.name, address=host.address, port=host.port, user=host.user, now=now
        )
        added.cpu_overcommit = DEMO_OVERCOMMIT
    return {person.key: ensure_person(db, person, places, now) for person in PEOPLE}


def ensure_department(db: Session, slug: str, name: str, limit: Amount, now: datetime) -> Department:
    known = db.scalar(select(Department).where(Department.slug == slug))
    return known or departments.create_department(db, actor=None, slug=slug, name=name, limit=limit, now=now)


def ensure_person(db: Session, person: Person, places: Mapping[str, Department], now: datetime) -> Credentials:
    password = random_password()
    account = db.scalar(select(Account).where(Account.login == person.login))
    if account is None:
        grants = [Grant(person.role, places[slug].id) for slug in person.departments] or [Grant(person.role, None)]
        account = accounts.create_account(
            db,
            actor=None,
            login=person.login,
            name=person.name,
            email=f"{person.login}@hospital.example",
            password=password,
            grants=grants,
            now=now,
        )
    else:
        log_ins.set_password(db, actor=None, account_id=account.id, password=password, now=now)
    _token, token_text = tokens.issue(db, actor=None, account=account, name="demo", days=30, now=now)
    return Credentials(person.login, password, token_text)
