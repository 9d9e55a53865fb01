"""Hosts: made known, asked what they are, taken out of use."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from portal.core.errors import Conflict, Invalid, NotAllowed
from portal.core.lifecycle import HostState, VmState
from portal.core.policy import Role
from portal.interfaces import Power
from portal.models import Host
from portal.services import hosts
from tests.factories import actor_for, make_host, make_vm
from tests.factories.moments import NOW
from tests.services.conftest import Cluster


def add(db: Session, name: str = "hv1", address: str = "10.77.0.11", **changes: object) -> Host:
    return hosts.add_host(db, **{"actor": None, "name": name, "address": address, "now": NOW, **changes})  # type: ignore[arg-type]


def test_a_host_is_known_once_and_may_move(db: Session) -> None:
    assert add(db) is add(db, address="10.77.0.99")
    (host,) = hosts.all_hosts(db)
    assert host.reached_at.address == "10.77.0.99"


@pytest.mark.parametrize("changes", [{"name": "HV 1"}, {"port": 0}, {"address": ""}])
def test_a_strange_host_is_refused(db: Session, changes: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        add(db, **changes)


def test_only_who_manages_hosts_changes_them(db: Session) -> None:
    auditor = actor_for(db, "hugo", role=Role.AUDITOR)
    host = add(db)
    with pytest.raises(NotAllowed):
        add(db, actor=auditor)
    with pytest.raises(NotAllowed):
        hosts.set_state(db, actor=auditor, host_id=host.id, state=HostState.DRAINING, now=NOW)
    assert hosts.listing(db, actor=auditor) == [host]
    with pytest.raises(NotAllowed):
        hosts.listing(db, actor=actor_for(db, "ada"))


def test_taking_a_host_out_of_use_makes_placements_look_again(db: Session) -> None:
    host, root = add(db), actor_for(db, "root", role=Role.ADMIN)
    before = host.generation
    hosts.set_state(db, actor=root, host_id=host.id, state=HostState.MAINTENANCE, now=NOW, reason="new memory")
    assert (host.state, host.generation) == (HostState.MAINTENANCE, before + 1)
    with pytest.raises(Conflict):
        hosts.set_state(db, actor=root, host_id=host.id, state=HostState.MAINTENANCE, now=NOW)


def test_a_host_says_what_it_carries(db: Session, cluster: Cluster) -> None:
    host = hosts.refresh(db, hypervisor=cluster.hypervisor, host=add(db), now=NOW)
    assert (host.vcpus, host.memory_mib, host.disk_gib) == (16, 32 * 1024, 512)
    assert (host.seen_at, host.trouble) == (NOW, "")


def test_a_silent_host_keeps_what_was_known_and_says_its_trouble(db: Session, cluster: Cluster) -> None:
    host = hosts.refresh(db, hypervisor=cluster.hypervisor, host=add(db), now=NOW)
    cluster.silence("hv1")
    hosts.refresh(db, hypervisor=cluster.hypervisor, host=host, now=NOW)
    assert host.vcpus == 16
    assert "hv1" in host.trouble


@pytest.mark.parametrize(
    ("state", "power", "after"),
    [
        (VmState.RUNNING, Power.OFF, VmState.STOPPED),
        (VmState.RUNNING, Power.CRASHED, VmState.STOPPED),
        (VmState.STOPPED, Power.RUNNING, VmState.RUNNING),
        (VmState.RUNNING, Power.RUNNING, VmState.RUNNING),
        (VmState.PARKED, Power.RUNNING, VmState.PARKED),
        (VmState.CLONING, Power.OFF, VmState.CLONING),
    ],
)
def test_machines_are_followed(db: Session, cluster: Cluster, state: VmState, power: Power, after: VmState) -> None:
    host = make_host(db)
    vm = make_vm(db, state=state, host_id=host.id)
    cluster.put(vm, power=power)
    hosts.refresh(db, hypervisor=cluster.hypervisor, host=host, now=NOW)
    assert vm.state == after


def test_a_machine_found_off_is_not_said_to_have_done_it_alone(db: Session, cluster: Cluster) -> None:
    host = make_host(db)
    vm = make_vm(db, state=VmState.RUNNING, host_id=host.id)
    cluster.put(vm, power=Power.OFF)
    hosts.refresh(db, hypervisor=cluster.hypervisor, host=host, now=NOW)
    assert vm.state_reason == "The machine went off by itself or with its host."
