"""On PostgreSQL, where several write at once, whoever changes a lease waits for whoever holds the machine."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from portal.core.errors import Conflict
from portal.core.policy import Actor, Role
from portal.models import Vm
from portal.models.database import make_write_sessions
from portal.models.vm_requests import VmRequestKind
from portal.services import approvals, vms
from tests.factories import ListQueue, actor_for, make_vm, make_vm_request
from tests.factories.moments import NOW

pytestmark = pytest.mark.postgres


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def root(db: Session) -> Actor:
    return actor_for(db, "root", role=Role.ADMIN)


@pytest.fixture
def vm(db: Session) -> Vm:
    return make_vm(db, expires_at=NOW + timedelta(days=30), retire_at=NOW)


def wait_until_blocked(db: Session, work: Future[None]) -> None:
    """Until the other transaction waits for a lock of ours, or is through without."""
    blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")  # pg_stat_activity stands still in a transaction
    while not work.done() and not db.scalar(blocked):
        pass


def comes_too_late(db: Session, work: Callable[[], object]) -> None:
    """It waits for our lock, and finds out when we are through."""
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        wait_until_blocked(db, working)
        db.commit()
        with pytest.raises(Conflict):
            working.result()


def test_a_machine_extended_in_this_moment_is_not_deleted(db: Session, engine: Engine, vm: Vm, root: Actor) -> None:
    vm_id = vm.id
    db.commit()
    vms.extend(db, actor=root, vm_id=vm_id, ends_on=date(2026, 5, 1), now=NOW)

    def retire() -> None:
        with make_write_sessions(engine).begin() as other:
            vms.retire(other, actor=None, vm_id=vm_id, queue=ListQueue(), now=NOW)

    comes_too_late(db, retire)


def test_no_more_time_is_granted_to_a_machine_given_back_in_this_moment(
    db: Session, engine: Engine, vm: Vm, root: Actor
) -> None:
    asked = make_vm_request(db, kind=VmRequestKind.EXTENSION, vm_id=vm.id, size="", ends_on=date(2027, 5, 1))
    asked_id, vm_id = asked.id, vm.id
    db.commit()
    vms.retire(db, actor=root, vm_id=vm_id, queue=ListQueue(), now=NOW)

    def grant() -> None:
        with make_write_sessions(engine).begin() as other:
            approvals.approve(other, actor=root, vm_request_id=asked_id, queue=ListQueue(), now=NOW)

    comes_too_late(db, grant)
