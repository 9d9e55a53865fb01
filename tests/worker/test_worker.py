"""The worker with the real engine: work is done, once, whoever asks and however often."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update

from portal.config import ROOT
from portal.core.errors import AlreadyDecided, Conflict
from portal.core.lifecycle import VmRequestState, VmState
from portal.core.policy import Actor, Grant, Role
from portal.models import Account, Vm, VmRequest, Worker, Workflow
from portal.services import approvals, claims, vms, workers, workflows
from portal.site import Site
from portal.worker import run_worker
from tests.worker.hospital import FAST, Hospital, processes
from tests.workflows.doubles import clock
from tests.workflows.orders import NOON, make_vm_request


def test_a_worker_carries_a_request_to_running_machines(hospital: Hospital) -> None:
    site = hospital.build()
    vm_request_id = hospital.order(site, copies=3)
    assert hospital.work() == 0
    assert hospital.state_of(site, vm_request_id) == VmRequestState.FULFILLED
    assert len(hospital.cluster.domains()) == 3


@pytest.mark.slow
def test_several_requests_are_carried_at_the_same_time(hospital: Hospital) -> None:
    site = hospital.build()
    ids = [hospital.order(site, name=f"wiki-{number}x", copies=2) for number in range(5)]
    assert hospital.work() == 0
    assert {hospital.state_of(site, vm_request_id) for vm_request_id in ids} == {VmRequestState.FULFILLED}
    with site.sessions() as db:
        assert db.scalar(select(func.count(func.distinct(Vm.address)))) == 10


def grace(site: Site) -> Actor:
    """Grace decides."""
    with site.write_sessions.begin() as db:
        account = Account(
            login="grace", name="Grace", email="grace@hospital.test", password_hash="", created_at=NOON, locale="en"
        )
        db.add(account)
        db.flush()
        return Actor(account.id, "Grace", (Grant(Role.ADMIN, None),))


def submitted(site: Site) -> UUID:
    with site.write_sessions.begin() as db:
        vm_request = make_vm_request(db, state=VmRequestState.SUBMITTED)
        claims.hold(db, vm_request, NOON)
        return vm_request.id


@pytest.mark.slow
def test_fifty_people_who_approve_at_once_give_one_clone(hospital: Hospital) -> None:
    site = hospital.build()
    actor, vm_request_id = grace(site), submitted(site)
    start = threading.Barrier(50)

    def approve(_number: int) -> bool:
        start.wait()
        try:
            with site.write_sessions.begin() as db:
                approvals.approve(db, actor=actor, vm_request_id=vm_request_id, queue=site.queue, now=NOON)
        except AlreadyDecided:
            return False
        return True

    with ThreadPoolExecutor(50) as threads:
        assert Counter(threads.map(approve, range(50))) == {True: 1, False: 49}
    hospital.work()
    assert len(hospital.cluster.domains()) == 1
    with site.sessions() as db:
        assert db.scalar(select(func.count()).select_from(Workflow)) == 1


def test_what_is_rolled_back_was_never_queued(hospital: Hospital) -> None:
    site = hospital.build()
    with site.write_sessions() as db:
        vm_request = make_vm_request(db)
        workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=site.queue, now=NOON)
        db.rollback()
    hospital.work()
    assert hospital.cluster.made() == []


def test_a_second_worker_on_sqlite_refuses_and_names_the_setting_for_postgresql(hospital_on_sqlite: Hospital) -> None:
    hospital = hospital_on_sqlite
    site = hospital.build()
    first = start_worker(hospital)
    try:
        with pytest.raises(Conflict, match="VIVERO_DATABASE_URL=postgresql://"):
            run_worker(site, stop=threading.Event(), pace=FAST, periodic=False)
    finally:
        first.kill()
        first.join()


@pytest.mark.postgres
def test_two_workers_on_postgresql_share_the_work_and_do_nothing_twice(hospital_on_postgres: Hospital) -> None:
    hospital = hospital_on_postgres
    site = hospital.build()
    ids = [hospital.order(site, name=f"wiki-{number}x", copies=1) for number in range(8)]
    others = [processes.Process(target=hospital.work_here, args=("", {"slow_s": 0.3})) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join(40)
    assert {hospital.state_of(site, vm_request_id) for vm_request_id in ids} == {VmRequestState.FULFILLED}
    assert set(Counter(hospital.cluster.made()).values()) == {1}


def start_worker(hospital: Hospital, **changes: float) -> processes.Process:  # type: ignore[name-defined]
    process = processes.Process(target=hospital.work_for_ever, args=(changes,))
    process.start()
    site = hospital.build()
    wait_for(lambda: bool(living(site)))
    return process


def living(site: Site) -> set[str]:
    with site.sessions() as db:
        return workers.living(db, clock())


def wait_for(what: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_cancelling_while_the_playbook_runs_cleans_up_within_ten_seconds(hospital_on_sqlite: Hospital) -> None:
    hospital = hospital_on_sqlite
    site = hospital.build()
    vm_request_id = hospital.order(site)
    worker = start_worker(hospital, slow_s=60.0)
    try:
        wait_for(lambda: hospital.step_of(site, vm_request_id) == "Clone, personalise and start")
        with site.write_sessions.begin() as db:
            workflow = workflows.latest_of(db, vm_request_id)
            assert workflow is not None
            workflows.ask_cancel(db, workflow_id=workflow.id, now=clock())
        asked = time.monotonic()
        hospital.slow_down(0.0)
        wait_for(lambda: hospital.state_of(site, vm_request_id) == VmRequestState.CANCELLED)
        assert time.monotonic() - asked < 10
        assert hospital.cluster.disks() == []
    finally:
        worker.kill()
        worker.join()


@pytest.mark.slow
def test_a_worker_told_to_stop_leaves_its_work_to_the_next(hospital: Hospital) -> None:
    site = hospital.build()
    vm_request_id = hospital.order(site)
    worker = start_worker(hospital, slow_s=60.0)
    wait_for(lambda: hospital.step_of(site, vm_request_id) == "Clone, personalise and start")
    worker.terminate()
    worker.join(15)
    assert worker.exitcode == -signal.SIGTERM or worker.exitcode == 0
    assert hospital.work() == 0
    assert hospital.state_of(site, vm_request_id) == VmRequestState.FULFILLED


def test_a_worker_that_was_given_up_ends_by_itself(hospital_on_sqlite: Hospital) -> None:
    site = hospital_on_sqlite.build()
    worker = start_worker(hospital_on_sqlite)
    with site.write_sessions.begin() as db:
        db.execute(update(Worker).values(reaped_at=clock()))
    worker.join(15)
    assert worker.exitcode == 0


@pytest.mark.postgres
def test_a_worker_that_was_frozen_while_another_took_over_does_nothing_more(hospital_on_postgres: Hospital) -> None:
    hospital = hospital_on_postgres
    site = hospital.build()
    vm_request_id = hospital.order(site)
    frozen = start_worker(hospital, slow_s=1.0)
    wait_for(lambda: hospital.step_of(site, vm_request_id) == "Clone, personalise and start")
    os.kill(frozen.pid or 0, signal.SIGSTOP)
    assert hospital.work() == 0
    assert hospital.state_of(site, vm_request_id) == VmRequestState.FULFILLED
    for left in hospital.folder.glob("*.d[io]*"):
        left.unlink()  # whoever makes anything now, makes it again
    os.kill(frozen.pid or 0, signal.SIGCONT)
    frozen.join(20)
    assert frozen.exitcode == 0  # its next beat told it that it was given up
    assert (hospital.cluster.disks(), hospital.cluster.domains()) == ([], [])
    assert hospital.state_of(site, vm_request_id) == VmRequestState.FULFILLED


def test_requests_for_a_later_day_begin_on_that_day_at_one_o_clock(hospital_on_sqlite: Hospital) -> None:
    site = hospital_on_sqlite.build()
    with site.write_sessions.begin() as db:
        make_vm_request(db).starts_on = NOON.date() + timedelta(days=1)

    def begun(now: object) -> int:
        with site.write_sessions.begin() as db:
            return workflows.start_dated(db, queue=site.queue, now=now, timezone="Europe/Madrid")  # type: ignore[arg-type]

    one_o_clock = NOON.replace(hour=0) + timedelta(days=1)  # in Madrid, in winter
    moments = [NOON, one_o_clock - timedelta(minutes=1), one_o_clock, one_o_clock + timedelta(hours=1)]
    assert [begun(moment) for moment in moments] == [0, 0, 1, 0]


@pytest.mark.slow
def test_the_engine_never_reads_pickled_rows(hospital_on_sqlite: Hospital) -> None:
    hospital = hospital_on_sqlite
    site = hospital.build()
    hospital.order(site)
    with site.write_sessions.begin() as db:
        db.execute(text("UPDATE workflow_status SET serialization = 'py_pickle'"))
        db.execute(
            text("UPDATE workflow_input SET inputs = 'gASVHwAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjARldmlslIWUUpQu'")
        )
    stop = threading.Event()
    threading.Timer(4, stop.set).start()
    run_worker(site, stop=stop, pace=FAST, periodic=False)
    assert hospital.cluster.made() == []
    with site.sessions() as db:
        assert db.scalar(text("SELECT status FROM workflow_status")) == "ERROR"


@pytest.mark.slow
def test_the_request_knows_its_workflow(hospital_on_sqlite: Hospital) -> None:
    site = hospital_on_sqlite.build()
    vm_request_id = hospital_on_sqlite.order(site)
    hospital_on_sqlite.work()
    with site.sessions() as db:
        assert db.get_one(VmRequest, vm_request_id).workflow_id == f"provision-{vm_request_id}-1"


@pytest.mark.slow
def test_a_workflow_that_was_interrupted_here_is_taken_up_again_by_the_same_worker(hospital: Hospital) -> None:
    site = hospital.build()
    vm_request_id = hospital.order(site)
    interrupted: list[str] = []

    def interrupt_once(place: str) -> None:
        if place == "Choose hosts done" and not interrupted:
            interrupted.append(place)
            raise ConnectionError("the database was away")

    stop = threading.Event()
    threading.Timer(20, stop.set).start()
    runs = threading.Thread(
        target=run_worker,
        args=(site,),
        kwargs={"stop": stop, "pace": FAST, "checkpoint": interrupt_once, "periodic": False},
    )
    runs.start()
    wait_for(lambda: hospital.state_of(site, vm_request_id) == VmRequestState.FULFILLED)
    stop.set()
    runs.join(15)
    assert interrupted == ["Choose hosts done"]
    assert set(Counter(hospital.cluster.made()).values()) == {1}


@pytest.mark.slow
def test_a_machine_is_retired_while_slow_requests_take_all_places(hospital: Hospital) -> None:
    site = hospital.build()
    hospital.order(site, name="old", copies=1)
    hospital.work()
    hospital.order(site, name="slow", copies=1)
    waits, go_on, stop = threading.Event(), threading.Event(), threading.Event()

    def wait_long(place: str) -> None:
        if place == "Wait until ready begun":
            waits.set()
            go_on.wait(30)

    arguments = {"stop": stop, "pace": replace(FAST, concurrency=1), "checkpoint": wait_long, "periodic": False}
    runs = threading.Thread(target=run_worker, args=(site,), kwargs=arguments)
    runs.start()
    waits.wait(20)
    with site.write_sessions.begin() as db:
        vm = db.scalars(select(Vm).where(Vm.name == "old")).one()
        vm.retire_at = clock()
        vms.retire(db, actor=None, vm_id=vm.id, queue=site.queue, now=clock())
    wait_for(lambda: state_of(site, vm.id) == VmState.RETIRED)
    go_on.set()
    stop.set()
    runs.join(15)


def state_of(site: Site, vm_id: UUID) -> VmState:
    with site.sessions() as db:
        return db.get_one(Vm, vm_id).state


@pytest.mark.slow
def test_a_workflow_that_is_interrupted_over_and_over_fails_for_a_person_to_look_at(
    hospital_on_sqlite: Hospital,
) -> None:
    site = hospital_on_sqlite.build()
    vm_request_id = hospital_on_sqlite.order(site)

    def interrupt(place: str) -> None:
        if place == "Choose hosts done":
            raise ZeroDivisionError

    stop, pace = threading.Event(), replace(FAST, interruptions=2)
    threading.Timer(20, stop.set).start()
    arguments = {"stop": stop, "pace": pace, "checkpoint": interrupt, "periodic": False}
    runs = threading.Thread(target=run_worker, args=(site,), kwargs=arguments)
    runs.start()
    wait_for(lambda: hospital_on_sqlite.state_of(site, vm_request_id) == VmRequestState.FAILED)
    stop.set()
    runs.join(15)
    with site.sessions() as db:
        assert db.get_one(VmRequest, vm_request_id).error_params == {"kind": "ZeroDivisionError"}


def test_without_tables_the_worker_says_what_to_do(tmp_path: Path) -> None:
    environ = {
        "VIVERO_VAR": str(tmp_path),
        "VIVERO_HYPERVISOR": "fake",
        "VIVERO_PLAYBOOKS": "fake",
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        [sys.executable, "-m", "portal.worker"], env=environ, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 1
    assert done.stderr == "The worker does not start: The database has no tables yet. Run “vivero migrate” first.\n"
