"""Rows follow their machines: with the right reason, at once when asked, and never by a look that came too late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.lifecycle import VmState
from portal.core.policy import Actor
from portal.interfaces import Power
from portal.models import Account, Host, Vm
from portal.services import hosts, vms
from portal.services.vms import PowerAction
from tests.factories import actor_for, make_host, make_vm
from tests.factories.moments import NOW
from tests.services.conftest import Cluster

SOON = NOW + timedelta(minutes=1)


@pytest.fixture
def owner(db: Session) -> Actor:
    return actor_for(db, "ada")


@pytest.fixture
def host(db: Session) -> Host:
    return make_host(db)


@pytest.fixture
def vm(db: Session, owner: Actor, host: Host, cluster: Cluster) -> Vm:
    vm = make_vm(db, owner=db.get_one(Account, owner.account_id), host_id=host.id)
    cluster.put(vm)
    return vm


def switch(db: Session, cluster: Cluster, vm: Vm, actor: Actor, action: PowerAction) -> None:
    vms.power(db, actor=actor, vm_id=vm.id, action=action, hypervisor=cluster.hypervisor, now=NOW)


def refresh(db: Session, cluster: Cluster, host: Host, now: datetime = SOON) -> None:
    hosts.refresh(db, hypervisor=cluster.hypervisor, host=host, now=now)


def test_a_machine_shut_down_as_asked_is_not_said_to_have_gone_off_by_itself(
    db: Session, cluster: Cluster, host: Host, vm: Vm, owner: Actor
) -> None:
    switch(db, cluster, vm, owner, PowerAction.SHUT_DOWN)
    assert vm.state_reason == "It was asked to shut down."
    cluster.wait(2)
    refresh(db, cluster, host)
    assert (vm.state, vm.state_reason, vm.shut_down_asked_at) == (VmState.STOPPED, "", None)


def test_a_machine_that_goes_off_long_after_it_was_asked_did_so_by_itself(
    db: Session, cluster: Cluster, host: Host, vm: Vm, owner: Actor
) -> None:
    switch(db, cluster, vm, owner, PowerAction.SHUT_DOWN)
    refresh(db, cluster, host, NOW + timedelta(minutes=10))
    assert vm.state_reason == ""
    cluster.put(vm, power=Power.OFF)
    refresh(db, cluster, host, NOW + timedelta(minutes=11))
    assert vm.state_reason == "The machine went off by itself or with its host."


def test_a_look_that_began_before_the_start_does_not_say_off(
    db: Session, cluster: Cluster, host: Host, vm: Vm, owner: Actor
) -> None:
    vm.state = VmState.STOPPED
    cluster.put(vm, power=Power.OFF)
    look = hosts.look_at(cluster.hypervisor, host.reached_at)
    switch(db, cluster, vm, owner, PowerAction.START)
    hosts.note_look(db, host, look, SOON, looked_at=NOW)
    assert vm.state == VmState.RUNNING


def test_a_look_at_one_machine_tells_at_once_that_it_is_off(
    db: Session, cluster: Cluster, vm: Vm, owner: Actor
) -> None:
    switch(db, cluster, vm, owner, PowerAction.SHUT_DOWN)
    assert vms.is_changing(vm, NOW)
    cluster.wait(2)
    later = NOW + timedelta(seconds=5)
    vms.look(db, actor=owner, vm_id=vm.id, hypervisor=cluster.hypervisor, now=later)
    assert vm.state == VmState.STOPPED
    assert not vms.is_changing(vm, later)


def test_a_look_at_a_machine_whose_host_is_silent_changes_nothing(
    db: Session, cluster: Cluster, vm: Vm, owner: Actor
) -> None:
    cluster.silence("hv1")
    vms.look(db, actor=owner, vm_id=vm.id, hypervisor=cluster.hypervisor, now=NOW)
    assert vm.state == VmState.RUNNING


def test_a_machine_that_was_asked_nothing_is_not_looked_at(vm: Vm) -> None:
    assert not vms.is_changing(vm, NOW)


def pause(cluster: Cluster, vm: Vm, power: Power) -> None:
    with cluster.hypervisor.cluster.machine(vm.host.reached_at, vm.id) as machine:  # type: ignore[union-attr]
        machine.power = power


def test_a_machine_that_its_host_has_paused_says_so_until_it_goes_on(
    db: Session, cluster: Cluster, host: Host, vm: Vm
) -> None:
    pause(cluster, vm, Power.PAUSED)
    refresh(db, cluster, host)
    assert (vm.state, vm.state_reason) == (VmState.RUNNING, vms.STANDS_STILL)
    pause(cluster, vm, Power.RUNNING)
    refresh(db, cluster, host)
    assert (vm.state, vm.state_reason) == (VmState.RUNNING, "")


def test_a_machine_that_is_started_and_shut_down_at_once_is_seen_to_be_off_at_once(
    db: Session, cluster: Cluster, vm: Vm, owner: Actor
) -> None:
    vm.switched_at = NOW - timedelta(seconds=5)
    switch(db, cluster, vm, owner, PowerAction.SHUT_DOWN)
    cluster.wait(2)
    look = NOW + timedelta(seconds=2)
    assert vms.look(db, actor=owner, vm_id=vm.id, hypervisor=cluster.hypervisor, now=look).state == VmState.STOPPED
