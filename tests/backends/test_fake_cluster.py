"""The cluster that is not there: machines boot, hosts fail, and every process sees the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from portal.backends.fake_cluster import BOOT_S, Trouble
from portal.backends.hypervisor_fake import SHUT_DOWN_S, FakeHypervisor
from portal.backends.playbooks_fake import FakePlaybooks
from portal.backends.reachability_fake import FakeReachability
from portal.core.errors import HypervisorUnavailable
from portal.interfaces import PlaybookStatus, Power
from tests.backends.conftest import Cluster


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slow_cluster(fake_cluster: Cluster, tmp_path: Path, clock: Callable[[], float]) -> Cluster:
    """Its time stands still unless the test moves it."""
    fake_cluster.hypervisor = FakeHypervisor(tmp_path, clock=clock)
    fake_cluster.playbooks = FakePlaybooks(tmp_path, clock=clock, machine_s=0)
    return fake_cluster


def test_a_machine_is_ready_only_after_its_boot(slow_cluster: Cluster, clock: Clock, tmp_path: Path) -> None:
    order, hypervisor = slow_cluster.order(), slow_cluster.hypervisor
    slow_cluster.clone(order)
    reachability = FakeReachability(tmp_path, clock=clock)
    for seconds, ready in ((BOOT_S - 1, False), (1, True)):
        clock.now += seconds
        assert hypervisor.agent_answers(slow_cluster.host, order.vm_id) is ready
        assert reachability.tcp_open(order.address or "", 80) is ready
        assert (f"vivero ready {order.name}" in hypervisor.serial_log(slow_cluster.host, order.vm_id)) is ready


def test_a_machine_called_nunca_is_never_ready(slow_cluster: Cluster, clock: Clock) -> None:
    order = slow_cluster.order(name="nunca-1")
    slow_cluster.clone(order)
    clock.now += 1000
    assert not slow_cluster.hypervisor.agent_answers(slow_cluster.host, order.vm_id)


def test_a_machine_shuts_down_a_while_after_it_was_asked(slow_cluster: Cluster, clock: Clock) -> None:
    order, hypervisor = slow_cluster.order(), slow_cluster.hypervisor
    slow_cluster.clone(order)
    clock.now += BOOT_S
    hypervisor.shut_down(slow_cluster.host, order.vm_id)
    assert hypervisor.machine(slow_cluster.host, order.vm_id).power == Power.RUNNING
    clock.now += SHUT_DOWN_S
    assert hypervisor.machine(slow_cluster.host, order.vm_id).power == Power.OFF


def test_a_host_that_is_down_answers_nobody(fake_cluster: Cluster, tmp_path: Path) -> None:
    FakeHypervisor(tmp_path).cluster.trouble(fake_cluster.host.name, Trouble.HOST_DOWN)
    with pytest.raises(HypervisorUnavailable):
        fake_cluster.hypervisor.machines(fake_cluster.host)
    result = fake_cluster.clone(fake_cluster.order())
    assert result.status == PlaybookStatus.FAILED
    assert list(result.hosts_failed) == [fake_cluster.host.name]


def test_another_process_sees_the_same_machines(fake_cluster: Cluster, tmp_path: Path) -> None:
    order = fake_cluster.order()
    fake_cluster.clone(order)
    assert FakeHypervisor(tmp_path).machine(fake_cluster.host, order.vm_id).name == order.name


def test_the_screen_moves(slow_cluster: Cluster, clock: Clock) -> None:
    order = slow_cluster.order()
    slow_cluster.clone(order)
    before = slow_cluster.hypervisor.screenshot(slow_cluster.host, order.vm_id)
    clock.now += 1
    assert slow_cluster.hypervisor.screenshot(slow_cluster.host, order.vm_id) != before
