"""PostgreSQL: two people (or a person and the clock) who begin or end the same work in the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from portal.core.errors import Conflict
from portal.core.lifecycle import VmRequestState, WorkflowState
from portal.models import Vm, VmRequest, Workflow
from portal.services import checks, vm_requests, workflows
from portal.services.workflows import LIVE
from tests.factories import (
    ListQueue,
    actor_for,
    make_account,
    make_host,
    make_lab_session,
    make_seat,
    make_student,
    make_vm,
    make_vm_request,
)
from tests.factories.moments import NOW

pytestmark = pytest.mark.postgres
Sessions = sessionmaker[Session]


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


def at_once(sessions: Sessions, *works: Callable[[Session], object]) -> list[str]:
    """Each in a transaction of its own that ends only when all have done their work or wait for another's."""
    together = threading.Barrier(len(works))

    def one(work: Callable[[Session], object]) -> str:
        together.wait()
        try:
            with sessions.begin() as db:
                work(db)
        except Conflict:
            return "conflict"
        return "done"

    with ThreadPoolExecutor(len(works)) as threads:
        return sorted(threads.map(one, works))


def begin(subject_id: UUID, kind: str) -> Callable[[Session], object]:
    return lambda db: workflows.begin(db, kind=kind, subject_id=subject_id, queue=ListQueue(), now=NOW)


def live(sessions: Sessions) -> int:
    with sessions() as db:
        return db.scalar(select(func.count()).select_from(Workflow).where(Workflow.state.in_(LIVE))) or 0


def test_a_machine_and_its_request_are_not_worked_on_at_once(write_sessions: Sessions) -> None:
    for _ in range(8):
        with write_sessions.begin() as db:
            vm = make_vm(db)
        before = live(write_sessions)
        works = [begin(vm.id, "retire"), begin(vm.vm_request_id, "provision"), begin(vm.id, "retire")]
        assert at_once(write_sessions, *works) == ["conflict", "conflict", "done"]
        assert live(write_sessions) == before + 1


def test_trying_again_twice_at_once_begins_once(write_sessions: Sessions) -> None:
    with write_sessions.begin() as db:
        vm_request = make_vm_request(db, state=VmRequestState.FAILED)
        failed = workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=ListQueue(), now=NOW)
        failed.state = WorkflowState.FAILED

    def retry(db: Session) -> object:
        return workflows.retry(db, workflow_id=failed.id, queue=ListQueue(), now=NOW)

    assert at_once(write_sessions, *[retry] * 4) == ["conflict"] * 3 + ["done"]


def test_a_dated_request_that_is_being_cancelled_is_not_started(write_sessions: Sessions) -> None:
    with write_sessions.begin() as db:
        make_account(db, "ada")
        vm_request = make_vm_request(db, state=VmRequestState.APPROVED, starts_on=NOW.date())
        by = actor_for(db, "ada")
        vm_request.submitted_by_id = by.account_id
    with write_sessions.begin() as db:
        vm_requests.cancel(db, actor=by, vm_request_id=vm_request.id, now=NOW, queue=ListQueue())
        with write_sessions.begin() as clock:  # the worker looks before the person's transaction has ended
            assert workflows.start_dated(clock, queue=ListQueue(), now=NOW, timezone="Europe/Madrid") == 0
    with write_sessions() as db:
        assert db.get_one(VmRequest, vm_request.id).state == VmRequestState.CANCELLED
        assert list(db.scalars(select(Vm))) == []


def test_a_step_that_is_checked_twice_at_once_is_looked_at_once(write_sessions: Sessions) -> None:
    with write_sessions.begin() as db:
        lab_session, host = make_lab_session(db), make_host(db)
        students = [make_student(db, lab_session, f"Student {number}") for number in range(8)]
        for number, student in enumerate(students):
            make_seat(db, lab_session, number=number, student=student, host_id=host.id)
    for student in students:
        works = [partial(checks.begin_try, student_id=student.id, step="look", now=NOW)] * 3
        assert at_once(write_sessions, *works) == ["conflict", "conflict", "done"]
