"""Workflows as people meet them: one at a time, cancelled, tried again, watched."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, NotFound
from portal.core.lifecycle import StepState, WorkflowState
from portal.models import Job, JobLine, Workflow, WorkflowStep
from portal.services import retention, workflows
from tests.factories import ListQueue, make_vm, make_vm_request
from tests.factories.moments import NOW


@pytest.fixture
def queue() -> ListQueue:
    return ListQueue()


def make_failed(db: Session, queue: ListQueue) -> Workflow:
    vm_request = make_vm_request(db, copies=2)
    workflow = workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=queue, now=NOW)
    workflow.state, workflow.done, workflow.total, workflow.fencing = WorkflowState.FAILED, 1, 4, 7
    for position, (name, state) in enumerate([("Claim", StepState.DONE), ("Clone", StepState.FAILED)]):
        db.add(WorkflowStep(workflow_id=workflow.id, position=position, name=name, state=state, started_at=NOW))
    db.flush()
    return workflow


def test_what_is_under_way_is_not_begun_again(db: Session, queue: ListQueue) -> None:
    vm_request = make_vm_request(db)
    workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=queue, now=NOW)
    with pytest.raises(Conflict, match="already under way"):
        workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=queue, now=NOW)
    assert queue.entries == [("provision", f"provision-{vm_request.id}-1", str(vm_request.id))]


def test_a_machine_is_not_retired_while_its_request_is_worked_on_nor_the_other_way_round(
    db: Session, queue: ListQueue
) -> None:
    first, second = make_vm(db), make_vm(db)
    workflows.begin(db, kind="provision", subject_id=first.vm_request_id, queue=queue, now=NOW)
    workflows.begin(db, kind="retire", subject_id=second.id, queue=queue, now=NOW)
    with pytest.raises(Conflict):
        workflows.begin(db, kind="retire", subject_id=first.id, queue=queue, now=NOW)
    with pytest.raises(Conflict):
        workflows.begin(db, kind="provision", subject_id=second.vm_request_id, queue=queue, now=NOW)


def test_a_retry_knows_what_was_done_and_has_a_higher_number(db: Session, queue: ListQueue) -> None:
    failed = make_failed(db, queue)
    retried = workflows.retry(db, workflow_id=failed.id, queue=queue, now=NOW + timedelta(minutes=1))
    assert retried.id == failed.id[:-1] + "2"
    assert retried.fencing == 8
    assert [step.state for step in workflows.steps_of(db, retried.id)] == [StepState.DONE, StepState.FAILED]


def test_rolling_back_is_a_retry_that_is_cancelled_from_its_first_moment(db: Session, queue: ListQueue) -> None:
    rolled_back = workflows.roll_back(db, workflow_id=make_failed(db, queue).id, queue=queue, now=NOW)
    assert (rolled_back.state, rolled_back.cancel_asked_at) == (WorkflowState.CANCELLING, NOW)


def test_only_failed_work_is_tried_again(db: Session, queue: ListQueue) -> None:
    vm_request = make_vm_request(db)
    workflow = workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=queue, now=NOW)
    with pytest.raises(Conflict, match="has failed"):
        workflows.retry(db, workflow_id=workflow.id, queue=queue, now=NOW)


def test_asking_twice_to_cancel_is_asking_once(db: Session, queue: ListQueue) -> None:
    vm_request = make_vm_request(db)
    workflow = workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=queue, now=NOW)
    workflow.started_at = NOW
    workflows.ask_cancel(db, workflow_id=workflow.id, now=NOW)
    workflows.ask_cancel(db, workflow_id=workflow.id, now=NOW + timedelta(minutes=1))
    assert (workflow.state, workflow.cancel_asked_at, workflow.revision) == (WorkflowState.CANCELLING, NOW, 1)


def test_what_no_worker_has_begun_is_over_as_soon_as_it_is_cancelled(db: Session, queue: ListQueue) -> None:
    vm_request = make_vm_request(db)
    workflow = workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=queue, now=NOW)
    workflows.ask_cancel(db, workflow_id=workflow.id, now=NOW)
    assert (workflow.state, workflow.ended_at) == (WorkflowState.CANCELLED, NOW)
    assert not workflows.is_under_way(db, vm_request.id)


def test_a_retry_that_no_worker_has_begun_still_has_to_be_cleaned_up(db: Session, queue: ListQueue) -> None:
    retried = workflows.retry(db, workflow_id=make_failed(db, queue).id, queue=queue, now=NOW)
    workflows.ask_cancel(db, workflow_id=retried.id, now=NOW)
    assert retried.state == WorkflowState.CANCELLING


def test_a_failure_that_was_tried_again_since_is_not_tried_again_once_more(db: Session, queue: ListQueue) -> None:
    failed = make_failed(db, queue)
    retried = workflows.retry(db, workflow_id=failed.id, queue=queue, now=NOW + timedelta(minutes=1))
    retried.state = WorkflowState.DONE
    with pytest.raises(Conflict, match="has failed"):
        workflows.retry(db, workflow_id=failed.id, queue=queue, now=NOW + timedelta(minutes=2))


def test_what_has_ended_is_not_cancelled(db: Session, queue: ListQueue) -> None:
    with pytest.raises(Conflict, match="already ended"):
        workflows.ask_cancel(db, workflow_id=make_failed(db, queue).id, now=NOW)


def test_unknown_work_is_not_found(db: Session) -> None:
    with pytest.raises(NotFound):
        workflows.ask_cancel(db, workflow_id="provision-nothing", now=NOW)


def test_progress_names_the_failed_step_and_every_copy(db: Session, queue: ListQueue) -> None:
    failed = make_failed(db, queue)
    progress = workflows.progress_of(db, failed.id, NOW)
    assert progress is not None
    assert (progress.step, progress.percent, progress.seconds_left) == ("Clone", 25, None)
    assert [copy.state for copy in progress.copies] == ["waiting", "waiting"]


def test_without_work_there_is_no_progress(db: Session) -> None:
    assert workflows.progress_of(db, make_vm_request(db), NOW) is None


def make_lines(db: Session, workflow_id: str, count: int) -> None:
    job = Job(workflow_id=workflow_id, playbook="clone_vms", started_at=NOW, ended_at=NOW)
    db.add(job)
    db.flush()
    db.add_all(JobLine(job_id=job.id, at=NOW, host="hv1", text=f"line {number}") for number in range(count))
    db.flush()


def test_lines_are_read_on_from_the_last_one(db: Session, queue: ListQueue) -> None:
    workflow = make_failed(db, queue)
    make_lines(db, workflow.id, 3)
    first = workflows.lines(db, workflow.id)[0]
    assert [line.text for line in workflows.lines(db, workflow.id, after_id=first.id)] == ["line 1", "line 2"]


def test_old_lines_are_swept_and_young_ones_stay(db: Session, queue: ListQueue) -> None:
    workflow = make_failed(db, queue)
    make_lines(db, workflow.id, 3)
    assert retention.sweep_lines(db, NOW + timedelta(days=89)) == 0
    assert retention.sweep_lines(db, NOW + timedelta(days=91)) == 3
    assert workflows.lines(db, workflow.id) == []


def make_done(db: Session, queue: ListQueue, *, template: str, seconds: int) -> None:
    vm_request = make_vm_request(db, template_slug=template)
    workflow = workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=queue, now=NOW)
    workflow.state, workflow.total, workflow.ended_at = WorkflowState.DONE, 4, NOW
    ended_at = NOW + timedelta(seconds=seconds)
    step = WorkflowStep(
        workflow_id=workflow.id, position=0, name="Clone", state=StepState.DONE, started_at=NOW, ended_at=ended_at
    )
    db.add(step)
    db.flush()


def test_the_time_left_is_told_by_machines_of_the_same_template(db: Session, queue: ListQueue) -> None:
    make_done(db, queue, template="moodle", seconds=300)
    make_done(db, queue, template="dokuwiki", seconds=20)
    vm_request = make_vm_request(db, template_slug="dokuwiki")
    workflow = workflows.begin(db, kind="provision", subject_id=vm_request.id, queue=queue, now=NOW)
    db.add(WorkflowStep(workflow_id=workflow.id, position=0, name="Clone"))
    db.flush()
    progress = workflows.progress_of(db, workflow.id, NOW)
    assert progress is not None
    assert progress.seconds_left == 20
