"""kill -9 at every border of every step: whoever comes after finishes, and nothing is there twice."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import func, select

from portal.core.lifecycle import VmRequestState, VmState
from portal.models import Claim, Mail, Vm
from portal.services import workflows
from portal.site import Site
from portal.workflows.provision import PROVISION
from portal.workflows.registry import SEQUENCES
from tests.worker.hospital import Hospital
from tests.workflows.doubles import clock

KILLED = -9
COPIES = 2
BORDERS = [f"{step.name} {when}" for step in PROVISION.steps for when in ("begun", "done", "recorded")]
UNDO_BORDERS = [f"undo {step.name} {when}" for step in reversed(PROVISION.steps[:3]) for when in ("begun", "done")]

pytestmark = pytest.mark.slow


def count(site: Site, table: type) -> int:
    with site.sessions() as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


def assert_everything_once(hospital: Hospital, site: Site) -> None:
    assert len(hospital.cluster.disks()) == COPIES
    assert len(hospital.cluster.domains()) == COPIES
    assert set(Counter(hospital.cluster.made()).values()) == {1}
    assert (count(site, Vm), count(site, Claim), count(site, Mail)) == (COPIES, COPIES, 1)
    with site.sessions() as db:
        placed = {vm.id: vm.host_id for vm in db.scalars(select(Vm))}
        assert {claim.vm_id: claim.host_id for claim in db.scalars(select(Claim))} == placed
        assert set(db.scalars(select(Vm.state))) == {VmState.RUNNING}


@pytest.mark.parametrize("border", BORDERS)
def test_a_worker_killed_at_a_border_of_a_step_is_followed_by_one_that_finishes(
    hospital_on_sqlite: Hospital, border: str
) -> None:
    hospital = hospital_on_sqlite
    site = hospital.build()
    vm_request_id = hospital.order(site, copies=COPIES)
    assert hospital.work(border) == KILLED
    assert hospital.work() == 0
    assert hospital.state_of(site, vm_request_id) == VmRequestState.FULFILLED
    assert_everything_once(hospital, site)


def test_a_worker_killed_at_every_border_one_after_the_other_still_finishes(hospital: Hospital) -> None:
    site = hospital.build()
    vm_request_id = hospital.order(site, copies=COPIES)
    assert [hospital.work(border) for border in BORDERS] == [KILLED] * len(BORDERS)
    hospital.work()
    assert hospital.state_of(site, vm_request_id) == VmRequestState.FULFILLED
    assert_everything_once(hospital, site)


@pytest.mark.parametrize("border", UNDO_BORDERS)
def test_a_worker_killed_while_cleaning_up_is_followed_by_one_that_leaves_nothing(
    hospital: Hospital, border: str
) -> None:
    site = hospital.build()
    vm_request_id = hospital.order(site, copies=COPIES)
    assert hospital.work("Wait until ready begun") == KILLED
    with site.write_sessions.begin() as db:
        workflow = workflows.latest_of(db, vm_request_id)
        assert workflow is not None
        workflows.ask_cancel(db, workflow_id=workflow.id, now=clock())
    assert hospital.work(border) == KILLED
    assert hospital.work() == 0
    assert hospital.state_of(site, vm_request_id) == VmRequestState.CANCELLED
    assert (hospital.cluster.disks(), hospital.cluster.domains(), count(site, Claim)) == ([], [], 0)


def test_no_two_steps_of_a_sequence_have_the_same_name() -> None:
    """What is done already is remembered by it. Sequences may share steps: each workflow is of one sequence."""
    for sequence in SEQUENCES.values():
        names = [step.name for step in sequence.steps]
        assert len(names) == len(set(names)), sequence.name
