"""Switching machines, keeping and parking them, on hosts that answer and hosts that do not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, HypervisorUnavailable, Invalid, NotAllowed, NotFound
from portal.core.lifecycle import VmState
from portal.core.policy import Actor
from portal.interfaces import Power
from portal.models import Account, Vm, Workflow
from portal.services import vms
from portal.services.vms import PowerAction
from tests.factories import actor_for, make_account, make_host, make_vm
from tests.factories.moments import NOW
from tests.services.conftest import Cluster


@pytest.fixture
def owner(db: Session) -> Actor:
    return actor_for(db, "ada")


@pytest.fixture
def vm(db: Session, owner: Actor, cluster: Cluster) -> Vm:
    ada = db.get_one(Account, owner.account_id)
    vm = make_vm(db, owner=ada, host_id=make_host(db).id)
    cluster.put(vm)
    return vm


def switch(db: Session, cluster: Cluster, vm: Vm, actor: Actor, action: PowerAction) -> Vm:
    return vms.power(db, actor=actor, vm_id=vm.id, action=action, hypervisor=cluster.hypervisor, now=NOW)


def test_a_machine_is_switched_off_and_on(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    assert switch(db, cluster, vm, owner, PowerAction.POWER_OFF).state == VmState.STOPPED
    assert cluster.power_of(vm.id) == Power.OFF
    assert switch(db, cluster, vm, owner, PowerAction.START).state == VmState.RUNNING
    assert cluster.power_of(vm.id) == Power.RUNNING
    actions = [entry.action for entry in vms.history(db, actor=owner, vm_id=vm.id)]
    assert actions == ["vm.start", "vm.power_off"]


def test_shutting_down_asks_and_the_state_follows_later(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    assert switch(db, cluster, vm, owner, PowerAction.SHUT_DOWN).state == VmState.RUNNING
    cluster.wait(2)
    assert cluster.power_of(vm.id) == Power.OFF


def test_rebooting_leaves_it_running(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    assert switch(db, cluster, vm, owner, PowerAction.REBOOT).state == VmState.RUNNING


@pytest.mark.parametrize("action", [PowerAction.SHUT_DOWN, PowerAction.POWER_OFF, PowerAction.REBOOT])
def test_what_is_off_cannot_be_stopped(
    db: Session, cluster: Cluster, vm: Vm, owner: Actor, action: PowerAction
) -> None:
    vm.state = VmState.STOPPED
    with pytest.raises(Conflict):
        switch(db, cluster, vm, owner, action)


def test_a_colleague_switches_nothing(db: Session, cluster: Cluster, vm: Vm) -> None:
    with pytest.raises(NotAllowed):
        switch(db, cluster, vm, actor_for(db, "tom"), PowerAction.POWER_OFF)
    assert cluster.power_of(vm.id) == Power.RUNNING


def test_a_machine_whose_time_is_over_is_not_started(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    vm.state, vm.expires_at = VmState.PARKED, NOW - timedelta(days=1)
    with pytest.raises(Conflict):
        switch(db, cluster, vm, owner, PowerAction.START)


def test_a_machine_whose_time_is_over_is_not_restarted(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    vm.expires_at = NOW - timedelta(days=1)
    with pytest.raises(Conflict):
        switch(db, cluster, vm, owner, PowerAction.REBOOT)


def test_a_machine_that_is_being_given_back_is_not_started(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    vm.state, vm.retire_at = VmState.ERROR, NOW
    with pytest.raises(Conflict):
        switch(db, cluster, vm, owner, PowerAction.START)


def test_nothing_is_switched_while_work_is_under_way(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    db.add(Workflow(id="retire-1", kind="retire", subject_id=vm.id, created_at=NOW))
    with pytest.raises(Conflict):
        switch(db, cluster, vm, owner, PowerAction.POWER_OFF)


def test_a_silent_host_changes_nothing(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    cluster.silence("hv1")
    with pytest.raises(HypervisorUnavailable):
        switch(db, cluster, vm, owner, PowerAction.POWER_OFF)
    assert vm.state == VmState.RUNNING
    assert vms.history(db, actor=owner, vm_id=vm.id) == []


def test_no_transaction_is_open_while_the_host_works(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    open_while_asked = []
    power_off = cluster.hypervisor.power_off

    def watch(*args: object) -> None:
        open_while_asked.append(db.in_transaction())
        power_off(*args)  # type: ignore[arg-type]

    cluster.hypervisor.power_off = watch  # type: ignore[method-assign]
    switch(db, cluster, vm, owner, PowerAction.POWER_OFF)
    assert open_while_asked == [False]


def test_who_may_use_a_machine_sees_its_screen(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    picture = vms.screenshot(db, actor=owner, vm_id=vm.id, hypervisor=cluster.hypervisor)
    assert picture.png.startswith(b"\x89PNG")
    with pytest.raises(NotAllowed):
        vms.screenshot(db, actor=actor_for(db, "tom"), vm_id=vm.id, hypervisor=cluster.hypervisor)


def take(db: Session, cluster: Cluster, vm: Vm, actor: Actor, name: str) -> None:
    vms.take_snapshot(db, actor=actor, vm_id=vm.id, name=name, description="", hypervisor=cluster.hypervisor, now=NOW)


def names(db: Session, cluster: Cluster, vm: Vm, actor: Actor) -> list[str]:
    return [one.name for one in vms.snapshots(db, actor=actor, vm_id=vm.id, hypervisor=cluster.hypervisor)]


def test_states_are_kept_gone_back_to_and_deleted(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    take(db, cluster, vm, owner, "before-update")
    for verb in (vms.revert_snapshot, vms.delete_snapshot):
        verb(db, actor=owner, vm_id=vm.id, name="before-update", hypervisor=cluster.hypervisor, now=NOW)
    assert names(db, cluster, vm, owner) == []
    actions = [entry.action for entry in vms.history(db, actor=owner, vm_id=vm.id)]
    assert actions == ["vm.snapshot_deleted", "vm.snapshot_reverted", "vm.snapshot_taken"]


def revert(db: Session, cluster: Cluster, vm: Vm, actor: Actor, name: str) -> None:
    vms.revert_snapshot(db, actor=actor, vm_id=vm.id, name=name, hypervisor=cluster.hypervisor, now=NOW)


def test_going_back_to_a_running_state_is_seen_at_once(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    take(db, cluster, vm, owner, "while-running")
    vm.state, vm.parked_at = VmState.PARKED, NOW
    cluster.put(vm, power=Power.OFF, keep=True)
    revert(db, cluster, vm, owner, "while-running")
    assert (vm.state, vm.parked_at, cluster.power_of(vm.id)) == (VmState.RUNNING, None, Power.RUNNING)


def test_going_back_to_a_state_that_was_off_is_seen_at_once(
    db: Session, cluster: Cluster, vm: Vm, owner: Actor
) -> None:
    cluster.put(vm, power=Power.OFF)
    take(db, cluster, vm, owner, "while-off")
    cluster.put(vm, power=Power.RUNNING, keep=True)
    revert(db, cluster, vm, owner, "while-off")
    assert (vm.state, vm.state_reason) == (VmState.STOPPED, "")


def test_a_snapshot_does_not_start_a_machine_whose_time_is_over(
    db: Session, cluster: Cluster, vm: Vm, owner: Actor
) -> None:
    take(db, cluster, vm, owner, "while-running")
    vm.state, vm.expires_at = VmState.PARKED, NOW - timedelta(days=1)
    cluster.put(vm, power=Power.OFF, keep=True)
    with pytest.raises(Conflict):
        revert(db, cluster, vm, owner, "while-running")
    assert cluster.power_of(vm.id) == Power.OFF


def test_a_name_is_kept_once_and_a_handful_in_all(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    for number in range(5):
        take(db, cluster, vm, owner, f"state-{number}")
    for name in ("state-1", "state-6"):
        with pytest.raises(Conflict):
            take(db, cluster, vm, owner, name)
    assert len(names(db, cluster, vm, owner)) == 5


def test_a_strange_name_and_a_missing_state_are_refused(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    with pytest.raises(Invalid):
        take(db, cluster, vm, owner, "../etc")
    with pytest.raises(NotFound):
        vms.revert_snapshot(db, actor=owner, vm_id=vm.id, name="never", hypervisor=cluster.hypervisor, now=NOW)


def test_a_shared_user_keeps_states_too(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    vms.add_user(db, actor=owner, vm_id=vm.id, account_id=make_account(db, "tom").id, now=NOW)
    tom = actor_for(db, "tom")
    take(db, cluster, vm, tom, "toms-state")
    assert names(db, cluster, vm, tom) == ["toms-state"]
