"""A host that is gone for good: declared lost, it stands in the way of nobody's request and machine."""

from __future__ import annotations

from sqlalchemy import select, update

from portal.core.lifecycle import HostState, VmRequestState, VmState
from portal.models import Claim, Host, Vm
from portal.services import workflows
from tests.workflows.conftest import World
from tests.workflows.doubles import clock


def declare(world: World, state: HostState, *hosts: str) -> None:
    with world.site.write_sessions.begin() as db:
        db.execute(update(Host).where(Host.name.in_(hosts)).values(state=state))


def begin_again(world: World, again: object) -> str:
    with world.site.write_sessions.begin() as db:
        again(db, workflow_id=world.workflow_id, queue=world.queue, now=clock())  # type: ignore[operator]
    return world.run()


def places(world: World) -> dict[str, str]:
    with world.read() as db:
        return {vm.name: vm.host.name for vm in db.scalars(select(Vm)) if vm.host is not None}


def claimed_hosts(world: World) -> list[str]:
    with world.read() as db:
        return list(db.scalars(select(Host.name).join(Claim, Claim.host_id == Host.id).order_by(Host.name)))


def test_a_request_whose_host_is_lost_is_tried_again_on_another(world: World) -> None:
    world.playbooks.down.add("hv2")
    vm_request_id = world.order(copies=3)
    assert world.run() == "failed"
    declare(world, HostState.LOST, "hv2")
    assert begin_again(world, workflows.retry) == "done"
    assert world.request(vm_request_id).state == VmRequestState.FULFILLED
    assert "hv2" not in places(world).values()
    assert sorted(places(world).values()) == claimed_hosts(world)


def test_a_host_that_only_does_not_answer_keeps_its_copies_for_it_may_run_them(world: World) -> None:
    world.playbooks.down.add("hv2")
    world.order(copies=3)
    world.run()
    before = places(world)
    assert begin_again(world, workflows.retry) == "failed"
    assert places(world) == before


def test_a_copy_whose_host_is_lost_while_it_starts_is_made_on_another_by_a_retry(world: World) -> None:
    world.hypervisor.stopped.add("moodle")
    world.order()
    assert world.run() == "failed"
    lost = places(world)["moodle"]
    world.playbooks.down.add(lost)
    world.hypervisor.stopped.clear()
    declare(world, HostState.LOST, lost)
    assert begin_again(world, workflows.retry) == "done"
    assert places(world)["moodle"] != lost


def test_a_request_whose_host_is_lost_is_rolled_back_to_nothing(world: World) -> None:
    world.playbooks.trouble["moodle-03"] = "the disk is full"
    vm_request_id = world.order(copies=3)
    world.run()
    world.playbooks.down.add("hv2")
    declare(world, HostState.LOST, "hv2")
    assert begin_again(world, workflows.roll_back) == "cancelled"
    assert world.request(vm_request_id).state == VmRequestState.CANCELLED
    assert (world.cluster.disks(), claimed_hosts(world)) == ([], [])


def retire(world: World) -> str:
    with world.site.write_sessions.begin() as db:
        vm = db.scalars(select(Vm)).one()
        workflows.begin(db, kind="retire", subject_id=vm.id, queue=world.queue, now=clock())
    return world.run()


def test_a_machine_of_a_lost_host_is_retired_through_another_one(world: World) -> None:
    world.order()
    world.run()
    lost = places(world)["moodle"]
    world.playbooks.down.add(lost)
    declare(world, HostState.LOST, lost)
    assert retire(world) == "done"
    assert (world.cluster.disks(), claimed_hosts(world)) == ([], [])
    with world.read() as db:
        assert db.scalars(select(Vm.state)).one() == VmState.RETIRED


def test_with_every_host_lost_nothing_is_retired_and_the_sentence_says_why(world: World) -> None:
    world.order()
    world.run()
    declare(world, HostState.LOST, "hv1", "hv2", "hv3")
    assert retire(world) == "failed"
    assert (world.workflow().error or "").startswith("No host answers that could remove")
