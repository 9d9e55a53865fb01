"""A made-up hospital in a database of its own, as large as wished: what pages are measured on."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, inspect
from sqlalchemy.orm import Session

from portal.core.lifecycle import VmRequestState, VmState
from portal.core.naming import vm_id_for
from portal.core.policy import Role
from portal.models import Account, AuditEntry, Base, Department, Membership, TemplateVersion, Vm, VmRequest
from portal.services import login_sessions

WAITING_EACH = 50  # undecided requests of each department: one full page
AT_ONCE = 2000
LIVING = (VmState.RUNNING, VmState.RUNNING, VmState.STOPPED, VmState.PARKED)
DECIDED = (VmRequestState.FULFILLED, VmRequestState.FULFILLED, VmRequestState.DENIED, VmRequestState.CANCELLED)
FIRST_ADDRESS = IPv4Address("10.128.0.10")


@dataclass(frozen=True)
class Size:
    requests: int
    machines: int
    accounts: int
    departments: int


@dataclass(frozen=True)
class BenchVisitor:
    """Somebody who is logged in, with the cookie's key, and a machine of theirs."""

    key: str
    vm_id: UUID


def plain(row: Base) -> dict[str, Any]:
    """A row's columns by name: rows know their defaults, bulk inserts do not."""
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).columns if column.key in vars(row)}


def put(db: Session, model: type[Base], rows: Iterable[Mapping[str, Any]]) -> None:
    rest = iter(rows)
    while some := list(islice(rest, AT_ONCE)):
        db.execute(insert(model), some)


def fill(db: Session, size: Size, *, version: TemplateVersion, visitors: int, now: datetime) -> list[BenchVisitor]:
    """Departments, people, requests with their audit entries, machines; the first people are logged in.

    The same size gives the same hospital. Machines belong to the newest requests.
    """
    luck = random.Random(2027)  # noqa: S311 - a made-up hospital, not a secret
    departments = [Department(slug=f"d{number:02}", name=f"Servicio {number}") for number in range(size.departments)]
    db.add_all(departments)
    db.flush()
    people = list(accounts(db, size.accounts, departments, now))
    requests = list(vm_requests(size, people, departments, luck, now))
    put(db, VmRequest, requests)
    put(db, AuditEntry, (entry_of(row, now) for row in requests))
    machines = list(vms(requests[-size.machines :], version, now))
    put(db, Vm, machines)
    return [log_in(db, people[number], machines, now) for number in range(visitors)]


def accounts(db: Session, count: int, departments: list[Department], now: datetime) -> Iterator[UUID]:
    """Everybody asks, and decides for others of their department."""
    ids = [uuid4() for _ in range(count)]
    rows = (
        plain(Account(id=one, login=f"p{number}", name=f"Persona {number}", email=f"p{number}@hospital.example",
                      password_hash="-", created_at=now))  # noqa: S106 - nobody can log in with it
        for number, one in enumerate(ids)
    )  # fmt: skip
    put(db, Account, rows)
    put(
        db,
        Membership,
        (
            {"id": uuid4(), "account_id": one, "role": role, "department_id": departments[number % len(departments)].id}
            for number, one in enumerate(ids)
            for role in (Role.REQUESTER, Role.APPROVER)
        ),
    )
    yield from ids


def vm_requests(
    size: Size, people: list[UUID], departments: list[Department], luck: random.Random, now: datetime
) -> Iterator[dict[str, Any]]:
    """The newest have machines; of the others so many wait for a decision that each department has a page of them."""
    others = size.requests - size.machines
    gap = max(1, others // (WAITING_EACH * size.departments))
    for number in range(size.requests):
        who = luck.randrange(len(people))
        made = number >= others
        waits = not made and number % gap == 0
        row = VmRequest(
            department_id=departments[who % len(departments)].id,
            submitted_by_id=people[who],
            submitted_at=now - timedelta(minutes=size.requests - number),
            template_slug="micro-linux",
            size="small",
            name=f"m{number}",
            copies=1,
            vcpus=1,
            memory_mib=256,
            disk_gib=1,
            purpose="Para un estudio del servicio",
            ends_on=(now + timedelta(days=60)).date(),
            wanted={"size": "small", "copies": 1},
        )
        state = VmRequestState.FULFILLED if made else VmRequestState.SUBMITTED if waits else luck.choice(DECIDED)
        yield {**plain(row), "id": uuid4(), "state": state}


def vms(requests: list[dict[str, Any]], version: TemplateVersion, now: datetime) -> Iterator[dict[str, Any]]:
    """Three of four live."""
    for number, vm_request in enumerate(requests):
        vm_id = vm_id_for(vm_request["id"], 0)
        row = Vm(
            id=vm_id,
            vm_request_id=vm_request["id"],
            position=0,
            name=vm_request["name"],
            department_id=vm_request["department_id"],
            owner_id=vm_request["submitted_by_id"],
            template_version_id=version.id,
            vcpus=1,
            memory_mib=256,
            disk_gib=1,
            network="department",
            mac=f"52:54:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",
            created_at=vm_request["submitted_at"],
            expires_at=now + timedelta(days=60),
            address=str(FIRST_ADDRESS + number),
        )
        yield {**plain(row), "state": LIVING[number % 4] if number % 4 else VmState.RETIRED}


def entry_of(vm_request: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    entry = AuditEntry(
        at=vm_request["submitted_at"],
        actor_id=vm_request["submitted_by_id"],
        actor="Persona",
        action="vm_request.submitted",
        subject_kind="vm_request",
        subject_id=str(vm_request["id"]),
        subject_name=vm_request["name"],
        department_id=vm_request["department_id"],
    )
    return plain(entry)


def log_in(db: Session, person: UUID, machines: list[dict[str, Any]], now: datetime) -> BenchVisitor:
    key = login_sessions.open_session(db, account_id=person, now=datetime.now(UTC))
    mine = next((vm for vm in machines if vm["owner_id"] == person), machines[0])
    return BenchVisitor(key, mine["id"])
