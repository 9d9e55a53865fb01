"""Cancelling in awkward moments: before anything began, beside the last step, when nobody wants the work any more."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from portal.core.errors import Conflict
from portal.core.lifecycle import VmRequestState, VmState, WorkflowState
from portal.models import Claim, Vm, VmRequest
from portal.services import workflows
from portal.workflows.sequence import Hooks
from tests.workflows.conftest import World
from tests.workflows.doubles import clock


def cancel(world: World) -> None:
    with world.site.write_sessions.begin() as db:
        workflows.ask_cancel(db, workflow_id=world.workflow_id, now=clock())


def leftovers(world: World) -> tuple[int, list[str]]:
    with world.read() as db:
        return db.scalar(select(func.count()).select_from(Claim)) or 0, world.cluster.disks()


class Killed(BaseException):
    """The worker ends here."""


def test_what_is_handed_over_cannot_be_cancelled_although_the_step_is_not_written_down(world: World) -> None:
    vm_request_id = world.order()

    def die(place: str) -> None:
        if place == "Finish done":
            raise Killed

    with pytest.raises(Killed):
        world.run(Hooks(checkpoint=die))
    with pytest.raises(Conflict, match="already ended"):
        cancel(world)
    assert world.run() == "done"
    assert world.request(vm_request_id).state == VmRequestState.FULFILLED


def test_cancelling_beside_the_hand_over_is_not_ignored(world: World) -> None:
    vm_request_id = world.order()

    def cancel_late(place: str) -> None:
        if place == "Finish begun":
            cancel(world)

    assert world.run(Hooks(checkpoint=cancel_late)) == "cancelled"
    assert world.request(vm_request_id).state == VmRequestState.CANCELLED
    assert leftovers(world) == (0, [])


def test_a_request_that_was_cancelled_without_its_workflow_is_not_made(world: World) -> None:
    vm_request_id = world.order()
    with world.site.write_sessions.begin() as db:
        db.execute(update(VmRequest).values(state=VmRequestState.CANCELLED))
    assert world.run() == "cancelled"
    assert world.request(vm_request_id).state == VmRequestState.CANCELLED
    assert (world.cluster.made(), leftovers(world)) == ([], (0, []))


def test_a_request_that_is_cancelled_while_it_is_made_is_undone(world: World) -> None:
    world.order()

    def cancel_request(place: str) -> None:
        if place == "Clone, personalise and start done":
            with world.site.write_sessions.begin() as db:
                db.execute(update(VmRequest).values(state=VmRequestState.CANCELLED))

    assert world.run(Hooks(checkpoint=cancel_request)) == "cancelled"
    assert leftovers(world) == (0, [])
    with world.read() as db:
        assert db.scalars(select(Vm.state)).one() == VmState.RETIRED


def test_work_that_was_cancelled_before_it_began_stays_as_it_is_when_a_worker_takes_it(world: World) -> None:
    world.order()
    cancel(world)
    ended_at = world.workflow().ended_at
    assert world.run() == "cancelled"
    assert (world.workflow().state, world.workflow().ended_at) == (WorkflowState.CANCELLED, ended_at)
