"""Retiring: everything of a machine is gone, its place is free, and it can be tried again."""

from __future__ import annotations

from sqlalchemy import func, select

from portal.core.lifecycle import VmState
from portal.core.policy import Role
from portal.interfaces import MachineOutcome
from portal.models import Account, AuditEntry, Claim, Mail, Membership, Vm
from portal.services import accounts, vms, workflows
from tests.workflows.conftest import World
from tests.workflows.doubles import clock


def make_running(world: World) -> Vm:
    world.order()
    world.run()
    with world.read() as db:
        return db.scalars(select(Vm)).one()


def retire(world: World, vm: Vm) -> str:
    with world.site.write_sessions.begin() as db:
        workflows.begin(db, kind="retire", subject_id=vm.id, queue=world.queue, now=clock())
    return world.run()


def test_a_retired_machine_leaves_nothing_but_its_record(world: World) -> None:
    vm = make_running(world)
    assert retire(world, vm) == "done"
    assert (world.cluster.disks(), world.cluster.domains()) == ([], [])
    assert vm.name in str(world.playbooks.runs[-1].host_variables), "lines tell names, not numbers"
    with world.read() as db:
        gone = db.get_one(Vm, vm.id)
        assert (gone.state, gone.retired_at is not None) == (VmState.RETIRED, True)
        assert db.scalar(select(func.count()).select_from(Claim)) == 0
        assert list(db.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))[-1] == "vm.retired"


def test_its_name_and_address_are_free_again(world: World) -> None:
    retire(world, make_running(world))
    world.order()
    assert world.run() == "done"


def test_a_machine_that_cannot_be_removed_says_why_and_can_be_retired_again(world: World) -> None:
    vm = make_running(world)
    play = world.playbooks.play
    world.playbooks.play = lambda *order: MachineOutcome(ok=False, changed=False, message="device busy")  # type: ignore[method-assign]
    assert retire(world, vm) == "failed"
    with world.read() as db:
        kept = db.get_one(Vm, vm.id)
        assert kept.state_reason % kept.state_reason_params == (
            "1 of 1 machines failed. moodle: device busy. Put that right, then try again."
        )
    world.playbooks.play = play  # type: ignore[method-assign]
    assert retire(world, vm) == "done"


def test_a_failed_retirement_is_told_once_and_in_the_language_of_who_asked(world: World) -> None:
    vm = make_running(world)
    with world.site.write_sessions.begin() as db:
        ada = db.get_one(Account, vm.owner_id)
        ada.locale = "es"
        ada.memberships.append(Membership(role=Role.REQUESTER, department_id=vm.department_id))
        vms.retire(db, actor=accounts.actor_of(ada), vm_id=vm.id, queue=world.queue, now=clock())
    world.playbooks.play = lambda *order: MachineOutcome(ok=False, changed=False, message="device busy")  # type: ignore[method-assign]
    assert world.run() == "failed"
    assert retire(world, vm) == "failed"
    with world.read() as db:
        told = db.scalars(select(Mail.text).where(Mail.subject.contains(vm.name)).order_by(Mail.created_at)).all()
    (mail,) = [text for text in told if "device busy" in text]
    assert "1 de 1 máquinas" in mail


def test_retiring_twice_tells_the_owner_once(world: World) -> None:
    vm = make_running(world)
    retire(world, vm)
    retire(world, vm)
    with world.read() as db:
        assert list(db.scalars(select(Mail.subject).order_by(Mail.created_at))) == [
            "Ready: moodle",
            "Given back: moodle",
        ]


def test_a_machine_retired_after_a_failure_is_not_made_again_by_a_retry(world: World) -> None:
    world.playbooks.trouble["moodle-02"] = "the disk is full"
    world.order(copies=2)
    world.run()
    failed = world.workflow_id
    with world.read() as db:
        broken = db.scalars(select(Vm).where(Vm.state == VmState.ERROR)).one()
    assert retire(world, broken) == "done"
    with world.site.write_sessions.begin() as db:
        workflows.retry(db, workflow_id=failed, queue=world.queue, now=clock())
    assert world.run() == "done"
    with world.read() as db:
        assert list(db.scalars(select(Vm.state).order_by(Vm.position))) == [VmState.RUNNING, VmState.RETIRED]
        assert db.scalar(select(func.count()).select_from(Claim)) == 1


def test_a_retry_whose_machines_were_all_retired_does_not_end_as_if_they_were_ready(world: World) -> None:
    world.playbooks.trouble["moodle"] = "the disk is full"
    vm_request_id = world.order()
    world.run()
    failed = world.workflow_id
    with world.read() as db:
        broken = db.scalars(select(Vm)).one()
    assert retire(world, broken) == "done"
    with world.site.write_sessions.begin() as db:
        workflows.retry(db, workflow_id=failed, queue=world.queue, now=clock())
    assert world.run() == "failed"
    assert world.request(vm_request_id).error == "No machine of this request is left. Roll this back and order again."
