"""Parking: asked, looked at, switched off hard only after minutes; taken back when the machine is wanted again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from portal.core.lifecycle import VmState
from portal.core.policy import Actor
from portal.interfaces import Power
from portal.models import Account, Vm
from portal.services import leases, vms
from portal.services.vms import PowerAction
from tests.factories import actor_for, make_host, make_vm
from tests.factories.moments import NOW
from tests.services.conftest import Cluster


@pytest.fixture
def owner(db: Session) -> Actor:
    return actor_for(db, "ada")


@pytest.fixture
def vm(db: Session, owner: Actor, cluster: Cluster) -> Vm:
    return put(db, owner, cluster, "wiki")


@pytest.fixture
def deaf(db: Session, owner: Actor, cluster: Cluster) -> Vm:
    return put(db, owner, cluster, "wiki-sorda")


def put(db: Session, owner: Actor, cluster: Cluster, name: str) -> Vm:
    vm = make_vm(db, owner=db.get_one(Account, owner.account_id), name=name, host_id=make_host(db).id)
    cluster.put(vm)
    return vm


def park(db: Session, cluster: Cluster, vm: Vm, actor: Actor) -> Vm:
    return vms.park(db, actor=actor, vm_id=vm.id, hypervisor=cluster.hypervisor, now=NOW)


def look(db: Session, cluster: Cluster, now: datetime) -> int:
    return leases.park_due(db, now=now, hypervisor=cluster.hypervisor)


def test_parking_asks_the_guest_and_waits_for_nobody(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    park(db, cluster, vm, owner)
    assert (vm.state, vm.parking_since, cluster.power_of(vm.id)) == (VmState.RUNNING, NOW, Power.RUNNING)
    assert vm.state_reason == "It is being shut down, to be parked."


def test_a_guest_that_stops_is_parked_at_the_next_look(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    park(db, cluster, vm, owner)
    cluster.wait(2)
    later = NOW + timedelta(seconds=10)
    assert look(db, cluster, later) == 1
    assert (vm.state, vm.parked_at, vm.parking_since, vm.state_reason) == (VmState.PARKED, later, None, "")
    assert vm.retire_at is None, "its time is not over: nothing of it is deleted before"
    assert look(db, cluster, later) == 0


def test_a_guest_that_does_not_listen_is_given_minutes_and_then_switched_off(
    db: Session, cluster: Cluster, deaf: Vm, owner: Actor
) -> None:
    park(db, cluster, deaf, owner)
    assert look(db, cluster, NOW + timedelta(minutes=4)) == 0
    assert cluster.power_of(deaf.id) == Power.RUNNING
    assert look(db, cluster, NOW + timedelta(minutes=5)) == 1
    assert (deaf.state, cluster.power_of(deaf.id)) == (VmState.PARKED, Power.OFF)


def test_what_is_off_is_parked_at_once(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    cluster.put(vm, power=Power.OFF)
    assert park(db, cluster, vm, owner).state == VmState.PARKED
    assert park(db, cluster, vm, owner).state == VmState.PARKED


def test_switching_off_hard_ends_the_waiting(db: Session, cluster: Cluster, deaf: Vm, owner: Actor) -> None:
    park(db, cluster, deaf, owner)
    vms.power(db, actor=owner, vm_id=deaf.id, action=PowerAction.POWER_OFF, hypervisor=cluster.hypervisor, now=NOW)
    assert look(db, cluster, NOW + timedelta(seconds=10)) == 1
    assert deaf.state == VmState.PARKED


def test_starting_it_meanwhile_takes_the_parking_back(db: Session, cluster: Cluster, deaf: Vm, owner: Actor) -> None:
    park(db, cluster, deaf, owner)
    vms.power(db, actor=owner, vm_id=deaf.id, action=PowerAction.START, hypervisor=cluster.hypervisor, now=NOW)
    assert look(db, cluster, NOW + timedelta(hours=1)) == 0
    assert (deaf.state, deaf.state_reason, cluster.power_of(deaf.id)) == (VmState.RUNNING, "", Power.RUNNING)


def test_a_parked_machine_is_started_again(db: Session, cluster: Cluster, vm: Vm, owner: Actor) -> None:
    cluster.put(vm, power=Power.OFF)
    park(db, cluster, vm, owner)
    vms.power(db, actor=owner, vm_id=vm.id, action=PowerAction.START, hypervisor=cluster.hypervisor, now=NOW)
    assert (vm.state, vm.parked_at) == (VmState.RUNNING, None)
