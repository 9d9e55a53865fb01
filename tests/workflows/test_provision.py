"""The main road: from an approved request to machines that serve, and what happens when it does not go well."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from portal.core.errors import HypervisorUnavailable, filled
from portal.core.lifecycle import StepState, VmRequestState, VmState, WorkflowState
from portal.core.naming import mac_for, vm_id_for
from portal.core.templates import NetworkClass, Ready, ReadyBy, spec_to_data
from portal.interfaces import BUSY, HostAddress
from portal.models import AuditEntry, Claim, Host, JobLine, Mail, TemplateVersion, Vm, VmRequest, Workflow, WorkflowStep
from portal.services import workflows
from portal.workflows.sequence import Fenced, Hooks, Stopping
from tests.workflows.conftest import World
from tests.workflows.doubles import clock
from tests.workflows.orders import make_spec


def count(world: World, table: type) -> int:
    with world.read() as db:
        return db.scalar(select(func.count()).select_from(table)) or 0


def retry(world: World) -> None:
    with world.site.write_sessions.begin() as db:
        workflows.retry(db, workflow_id=world.workflow_id, queue=world.queue, now=clock())


def impatient(world: World) -> None:
    """From now on a machine that does not answer at once has failed."""
    with world.site.write_sessions.begin() as db:
        version = db.scalars(select(TemplateVersion)).one()
        version.spec = spec_to_data(make_spec(ready=Ready(ReadyBy.AGENT, timeout_s=0)))


def test_an_approved_request_becomes_machines_that_run(world: World) -> None:
    vm_request_id = world.order(copies=3)
    assert world.run() == "done"
    assert world.request(vm_request_id).state == VmRequestState.FULFILLED
    with world.read() as db:
        vms = list(db.scalars(select(Vm).order_by(Vm.position)))
    assert [(vm.name, vm.state) for vm in vms] == [(f"moodle-0{n}", VmState.RUNNING) for n in (1, 2, 3)]
    assert len({vm.host_id for vm in vms}) == 3
    assert len({vm.address for vm in vms}) == 3
    assert len(world.cluster.domains()) == 3


def test_a_second_run_makes_nothing_twice(world: World) -> None:
    world.order(copies=2)
    world.run()
    world.memory.clear()  # as if the engine had forgotten everything
    assert world.run() == "done"
    assert sorted(Counter(world.cluster.made()).values()) == [1, 1, 1, 1]
    assert (count(world, Vm), count(world, Claim), count(world, Mail)) == (2, 2, 1)


def test_progress_counts_steps_and_copies(world: World) -> None:
    vm_request_id = world.order(copies=5)
    world.run()
    with world.read() as db:
        progress = workflows.progress_of(db, world.request(vm_request_id), clock())
    assert progress is not None
    assert (progress.done, progress.total, progress.percent) == (14, 14, 100)
    assert {step.state for step in progress.steps} == {StepState.DONE}
    assert [copy.state for copy in progress.copies] == ["running"] * 5


def test_the_playbooks_lines_are_kept_for_people(world: World) -> None:
    world.order()
    world.run()
    with world.read() as db:
        assert [line.text for line in workflows.lines(db, world.workflow_id)] == [
            "moodle – made",
            "hv1: clone_vms – done",
        ]


def test_cloning_is_reported_copy_by_copy(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.workflows.playbook_jobs.FLUSH_EVERY_S", 0.0)
    seen: list[int] = []
    world.playbooks.watch = lambda: seen.append(world.workflow().done)
    world.order(copies=3)
    world.run()
    assert sorted(set(seen)) == [3, 4, 5]  # two steps before it, then one copy after the other


def test_secrets_and_fencing_travel_to_the_hosts(world: World) -> None:
    world.order()
    world.run()
    run = world.playbooks.runs[0]
    assert run.variables["fencing"] == {next(iter(run.variables["fencing"])): {"token": world.workflow().fencing}}  # type: ignore[arg-type, call-overload]
    assert run.secrets == {}


def test_a_machine_that_cannot_be_made_fails_the_request_with_a_sentence(world: World) -> None:
    world.playbooks.trouble["moodle-02"] = "the disk is full"
    vm_request_id = world.order(copies=3)
    assert world.run() == "failed"
    vm_request = world.request(vm_request_id)
    assert vm_request.state == VmRequestState.FAILED
    assert vm_request.error
    assert vm_request.error % vm_request.error_params == (
        "1 of 3 machines failed. moodle-02: the disk is full. Put that right, then try again."
    )
    with world.read() as db:
        states = Counter(db.scalars(select(Vm.state)))
    assert states == {VmState.CLONING: 2, VmState.ERROR: 1}


def test_a_failed_request_is_tried_again_from_the_failed_step(world: World) -> None:
    world.playbooks.trouble["moodle-02"] = "the disk is full"
    vm_request_id = world.order(copies=3)
    world.run()
    first = world.workflow()
    world.playbooks.trouble.clear()
    with world.site.write_sessions.begin() as db:
        workflows.retry(db, workflow_id=first.id, queue=world.queue, now=clock())
    assert world.run() == "done"
    assert world.request(vm_request_id).state == VmRequestState.FULFILLED
    assert world.workflow().fencing > first.fencing
    assert list(world.memory[world.workflow_id])[-1] == "end"
    assert sorted(Counter(world.cluster.made()).values()) == [1] * 6


def test_a_failed_request_is_rolled_back_to_nothing(world: World) -> None:
    world.playbooks.trouble["moodle-02"] = "the disk is full"
    vm_request_id = world.order(copies=3)
    world.run()
    with world.site.write_sessions.begin() as db:
        workflows.roll_back(db, workflow_id=world.workflow_id, queue=world.queue, now=clock())
    assert world.run() == "cancelled"
    assert world.request(vm_request_id).state == VmRequestState.CANCELLED
    assert (world.cluster.disks(), world.cluster.domains(), count(world, Claim)) == ([], [], 0)
    with world.read() as db:
        assert set(db.scalars(select(Vm.state))) == {VmState.RETIRED}


def test_cancelling_in_the_middle_of_cloning_cleans_up(world: World) -> None:
    vm_request_id = world.order(copies=2)
    world.playbooks.slow_s = 30.0

    def cancel_when_cloning(place: str) -> None:
        if place == "Clone, personalise and start begun":
            world.playbooks.slow_s = 1.5
            with world.site.write_sessions.begin() as db:
                workflows.ask_cancel(db, workflow_id=world.workflow_id, now=clock())

    assert world.run(Hooks(checkpoint=cancel_when_cloning)) == "cancelled"
    assert world.request(vm_request_id).state == VmRequestState.CANCELLED
    assert (world.cluster.domains(), count(world, Claim)) == ([], 0)
    assert world.workflow().state == WorkflowState.CANCELLED


def test_cancelling_while_a_host_keeps_silent_does_not_wait_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, cancelled = [], threading.Event()

    def keep_silent(host: HostAddress, vm_id: UUID) -> str:
        with world.site.write_sessions.begin() as db:
            workflows.ask_cancel(db, workflow_id=world.workflow_id, now=clock())
        cancelled.wait(30)
        answers.append(vm_id)
        return ""

    monkeypatch.setattr(world.hypervisor, "serial_log", keep_silent)
    world.order()
    assert (world.run(), answers) == ("cancelled", [])
    cancelled.set()


def test_cancelling_before_the_work_began_leaves_nothing(world: World) -> None:
    vm_request_id = world.order()
    with world.site.write_sessions.begin() as db:
        workflows.ask_cancel(db, workflow_id=world.workflow_id, now=clock())
    assert world.run() == "cancelled"
    assert world.request(vm_request_id).state == VmRequestState.CANCELLED
    assert (count(world, Vm), count(world, Claim)) == (0, 0)


def test_a_machine_that_stops_while_starting_ends_the_waiting_early(world: World) -> None:
    world.hypervisor.stopped.add("moodle")
    vm_request_id = world.order()
    assert world.run() == "failed"
    error = world.request(vm_request_id)
    assert "1 of 1 machines did not become ready (moodle)" in (error.error or "") % error.error_params
    with world.read() as db:
        assert db.scalars(select(Vm.state_reason)).one() == "It stopped while it was starting."


def test_a_machine_whose_setting_up_failed_is_never_called_ready(world: World) -> None:
    world.hypervisor.unfit.add("moodle")
    world.order()
    assert world.run() == "failed"
    with world.read() as db:
        assert db.scalars(select(Vm.state_reason)).one().startswith("It could not be set up as ordered.")


def test_a_machine_that_stopped_while_starting_is_started_by_a_retry(world: World) -> None:
    world.order(copies=2)
    world.hypervisor.stopped = world.playbooks.switching

    def stops(place: str) -> None:
        if place == "Wait until ready begun" and len(world.playbooks.runs) == 1:
            world.hypervisor.stopped.add("moodle-02")

    assert world.run(Hooks(checkpoint=stops)) == "failed"
    retry(world)
    assert world.run() == "done"


def test_a_retry_leaves_the_copies_alone_that_serve_already(world: World) -> None:
    world.hypervisor.silent.add("moodle-02")
    impatient(world)
    world.order(copies=2)
    assert world.run() == "failed"
    world.hypervisor.silent.clear()
    retry(world)
    assert world.run() == "done"
    assert "moodle-01" not in str(world.playbooks.runs[-1].host_variables)


def test_a_retry_that_is_rolled_back_removes_what_the_steps_to_do_again_had_made(world: World) -> None:
    world.hypervisor.silent.add("moodle")
    impatient(world)
    vm_request_id = world.order()
    assert world.run() == "failed"
    retry(world)
    with world.site.write_sessions.begin() as db:
        workflows.ask_cancel(db, workflow_id=world.workflow_id, now=clock())
    assert world.run() == "cancelled"
    assert world.request(vm_request_id).state == VmRequestState.CANCELLED
    assert (world.cluster.disks(), world.cluster.domains()) == ([], [])


def test_something_outside_that_does_not_answer_is_asked_again(world: World) -> None:
    world.playbooks.raising = [HypervisorUnavailable("no answer"), HypervisorUnavailable("no answer")]
    world.order()
    assert world.run() == "done"


def test_a_machine_that_the_rest_of_a_dead_workers_run_holds_is_waited_for(world: World) -> None:
    world.playbooks.trouble["moodle"] = BUSY
    world.playbooks.watch = world.playbooks.trouble.clear
    vm_request_id = world.order()
    assert world.run() == "done"
    assert world.request(vm_request_id).state == VmRequestState.FULFILLED


def away() -> OperationalError:
    return OperationalError("SELECT 1", {}, Exception("the server closed the connection"))


def test_a_database_that_is_away_for_a_moment_does_not_fail_the_request(world: World) -> None:
    world.playbooks.raising = [away()]
    world.order()
    assert world.run() == "done"


def test_while_the_database_is_away_nothing_is_decided(world: World) -> None:
    world.playbooks.raising = [away(), away(), away()]
    vm_request_id = world.order()
    with pytest.raises(OperationalError):
        world.run()
    assert world.request(vm_request_id).state == VmRequestState.PROVISIONING
    assert world.run() == "done"


def test_whoever_was_taken_over_while_a_playbook_ran_writes_no_lines(world: World) -> None:
    world.order()

    def taken_over() -> None:
        with world.site.write_sessions.begin() as db:
            db.execute(update(Workflow).values(fencing=Workflow.fencing + 1))

    world.playbooks.watch = taken_over
    with pytest.raises(Fenced):
        world.run()
    assert (count(world, JobLine), world.workflow().done) == (0, 2)


def test_a_step_that_is_tried_again_counts_its_time_from_the_new_start(world: World) -> None:
    world.playbooks.trouble["moodle"] = "the disk is full"
    world.order()
    world.run()
    with world.site.write_sessions.begin() as db:
        db.execute(update(WorkflowStep).values(started_at=clock() - timedelta(hours=5)))
    world.playbooks.trouble.clear()
    retry(world)
    world.run()
    with world.read() as db:
        step = db.scalars(
            select(WorkflowStep).where(WorkflowStep.workflow_id == world.workflow_id, WorkflowStep.position == 2)
        ).one()
    assert step.started_at is not None
    assert clock() - step.started_at < timedelta(hours=1)


def test_trouble_while_undoing_is_met_by_trying_again(world: World) -> None:
    world.playbooks.trouble["moodle"] = "the disk is full"
    world.order()
    world.run()
    with world.site.write_sessions.begin() as db:
        workflows.roll_back(db, workflow_id=world.workflow_id, queue=world.queue, now=clock())
    world.playbooks.raising = [HypervisorUnavailable("no answer")]
    assert world.run() == "cancelled"


@pytest.mark.slow
def test_machines_that_a_failed_rolling_back_removed_are_made_again_by_a_retry(world: World) -> None:
    world.hypervisor.silent.add("moodle-02")
    impatient(world)
    vm_request_id = world.order(copies=2)
    world.run()
    with world.site.write_sessions.begin() as db:
        workflows.roll_back(db, workflow_id=world.workflow_id, queue=world.queue, now=clock())
    second = places(world)["moodle-02"]
    world.playbooks.down.add(second)
    assert world.run() == "failed"
    world.playbooks.down.clear()
    world.hypervisor.silent.clear()
    retry(world)
    assert world.run() == "done"
    assert world.request(vm_request_id).state == VmRequestState.FULFILLED
    assert len(world.cluster.domains()) == 2


def places(world: World) -> dict[str, str]:
    with world.read() as db:
        return {vm.name: vm.host.name for vm in db.scalars(select(Vm)) if vm.host is not None}


@pytest.mark.slow
def test_a_rolling_back_that_fails_keeps_its_reason_so_that_it_can_be_translated(world: World) -> None:
    world.playbooks.trouble["moodle"] = "the disk is full"
    vm_request_id = world.order()
    world.run()
    with world.site.write_sessions.begin() as db:
        workflows.roll_back(db, workflow_id=world.workflow_id, queue=world.queue, now=clock())
    world.playbooks.down |= {"hv1", "hv2", "hv3"}
    assert world.run() == "failed"
    vm_request = world.request(vm_request_id)
    assert vm_request.error_params["reason"]["params"] == {"host": "hv1"}
    assert filled(vm_request.error or "", vm_request.error_params).startswith(
        "Cleaning up did not succeed: The host hv1 does not answer."
    )


def test_a_cluster_that_is_full_says_so_and_holds_nothing_on_hosts(world: World) -> None:
    vm_request_id = world.order(copies=3, memory_mib=8192)
    assert world.run() == "failed"
    assert "The cluster is full" in (world.request(vm_request_id).error or "")
    with world.read() as db:
        assert list(db.scalars(select(Claim.host_id))) == [None] * 3


def test_a_host_in_trouble_gets_no_machines(world: World) -> None:
    with world.site.write_sessions.begin() as db:
        db.execute(update(Host).where(Host.name == "hv1").values(trouble="no answer"))
    world.order(copies=4)
    world.run()
    with world.read() as db:
        assert Counter(db.scalars(select(Host.name).join(Vm, Vm.host_id == Host.id))) == {"hv2": 2, "hv3": 2}


def test_whoever_was_taken_over_changes_nothing_more(world: World) -> None:
    vm_request_id = world.order()

    def taken_over_by_another(place: str) -> None:
        if place == "Choose hosts done":
            with world.site.write_sessions.begin() as db:
                db.execute(update(Workflow).values(fencing=Workflow.fencing + 1))

    with pytest.raises(Fenced):
        world.run(Hooks(checkpoint=taken_over_by_another))
    assert world.cluster.made() == []
    assert world.run() == "done"  # the one who took over
    assert world.request(vm_request_id).state == VmRequestState.FULFILLED


def test_a_worker_that_is_stopped_leaves_the_step_for_the_next_one(world: World) -> None:
    vm_request_id = world.order()
    world.playbooks.slow_s = 5.0
    with pytest.raises(Stopping):
        world.run(Hooks(stopping=lambda: True))
    assert world.request(vm_request_id).state == VmRequestState.PROVISIONING
    world.playbooks.slow_s = 0.0
    assert world.run() == "done"


def test_an_unexpected_error_is_a_sentence_too(world: World) -> None:
    world.playbooks.raising = [ZeroDivisionError("surprise")]
    vm_request_id = world.order()
    assert world.run() == "failed"
    vm_request = world.request(vm_request_id)
    assert (vm_request.error or "") % vm_request.error_params == (
        "Something unexpected happened (ZeroDivisionError). An administrator finds the details in the worker's log."
    )


def test_the_log_of_people_tells_how_it_ended(world: World) -> None:
    world.order()
    world.run()
    with world.read() as db:
        actions = list(db.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert actions == ["vm_request.fulfilled", "vm.made"]


def test_lines_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.workflows.playbook_jobs.MOST_LINES", 2)
    world.order(copies=3)
    world.run()
    assert count(world, JobLine) == 2


def test_steps_tell_when_they_ran(world: World) -> None:
    world.order()
    world.run()
    with world.read() as db:
        steps = list(db.scalars(select(WorkflowStep)))
    assert all(step.started_at and step.ended_at and step.started_at <= step.ended_at for step in steps)


def test_a_machine_that_never_answers_fails_in_time_and_is_waited_for_again_by_a_retry(world: World) -> None:
    world.hypervisor.silent.add("moodle")
    impatient(world)
    world.order()
    assert world.run() == "failed"
    with world.read() as db:
        assert db.scalars(select(Vm.state_reason)).one() == "It did not answer in time."
    world.hypervisor.silent.clear()
    retry(world)
    assert world.run() == "done"
    assert sorted(Counter(world.cluster.made()).values()) == [1, 1]


def test_a_machine_ready_by_tcp_is_asked_over_the_network(world: World) -> None:
    world.hypervisor.silent.add("moodle")
    with world.site.write_sessions.begin() as db:
        version = db.scalars(select(TemplateVersion)).one()
        version.spec = spec_to_data(make_spec(ready=Ready(ReadyBy.TCP, timeout_s=5, port=80)))
    world.order()
    assert world.run() == "done"


def test_outside_the_department_network_no_address_is_given(world: World) -> None:
    with world.site.write_sessions.begin() as db:
        version = db.scalars(select(TemplateVersion)).one()
        version.spec = spec_to_data(make_spec(network=NetworkClass.QUARANTINE))
    world.order()
    assert world.run() == "done"
    with world.read() as db:
        assert db.execute(select(Vm.network, Vm.address)).one() == ("quarantine", None)


def test_a_template_moved_to_quarantine_clones_into_quarantine_though_its_disk_is_older(world: World) -> None:
    world.order(spec=make_spec(network=NetworkClass.QUARANTINE, ready=Ready(ReadyBy.AGENT, timeout_s=5)))
    assert world.run() == "done"
    machine = world.playbooks.runs[0].host_variables["hv1"]["clone_vms_machines"][0]  # type: ignore[index]
    assert (machine["network"], machine["address"]) == ("quarantine", None)  # type: ignore[index, call-overload]
    with world.read() as db:
        assert db.execute(select(Vm.network, Vm.address)).one() == ("quarantine", None)


def add_version(world: World, number: int, **changes: object) -> UUID:
    with world.site.write_sessions.begin() as db:
        first = db.scalars(select(TemplateVersion).where(TemplateVersion.version == 1)).one()
        fields = {"template_slug": first.template_slug, "disk": f"templates/micro-linux/v{number}.qcow2"}
        fields |= {"sha256": "1" * 64, "size_bytes": 1, "built_at": first.built_at, "spec": first.spec}
        version = TemplateVersion(version=number, **{**fields, **changes})
        db.add(version)
        db.flush()
        return version.id


def disk_of_the_machine(world: World) -> str:
    with world.read() as db:
        return db.scalars(select(Vm)).one().template_version.disk


def test_a_version_whose_disk_is_gone_is_not_chosen_though_it_is_the_newest(world: World) -> None:
    add_version(world, 2, missing=True)
    world.order()
    assert world.run() == "done"
    assert disk_of_the_machine(world) == "templates/micro-linux/v1.qcow2"


def test_a_disk_lost_between_approval_and_work_is_replaced_by_the_newest(world: World) -> None:
    lost = add_version(world, 2, missing=True)
    vm_request_id = world.order()
    with world.site.write_sessions.begin() as db:
        db.get_one(VmRequest, vm_request_id).template_version_id = lost
    assert world.run() == "done"
    assert disk_of_the_machine(world) == "templates/micro-linux/v1.qcow2"


def test_a_hardware_address_that_a_living_machine_has_is_not_given_again(world: World) -> None:
    world.order(name="first")
    world.run()
    second = world.order(name="second")
    wished = mac_for(vm_id_for(second, 0))
    with world.site.write_sessions.begin() as db:
        db.execute(update(Vm).values(mac=wished))
    assert world.run() == "done"
    with world.read() as db:
        assert db.scalar(select(Vm.mac).where(Vm.vm_request_id == second)) == mac_for(vm_id_for(second, 0), attempt=1)
