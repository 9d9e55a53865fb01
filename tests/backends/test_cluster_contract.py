"""What playbooks and hypervisor promise, asked of the real ones and of those that are not there."""

from __future__ import annotations

from uuid import uuid4

import pytest

from portal.core.errors import Conflict, Invalid, MachineMissing, NotFound, OutsideUnavailable
from portal.interfaces import PlaybookRun, PlaybookStatus, Power
from tests.backends.conftest import Cluster


def test_a_clone_runs_and_is_ours(cluster: Cluster) -> None:
    order = cluster.order()
    result = cluster.clone(order)
    assert result.status == PlaybookStatus.SUCCEEDED
    assert result.machines[order.vm_id].ok
    seen = cluster.hypervisor.machine(cluster.host, order.vm_id)
    assert (seen.name, seen.power, seen.vcpus, seen.memory_mib, seen.ours) == (order.name, Power.RUNNING, 1, 32, True)


def test_cloning_twice_changes_nothing(cluster: Cluster) -> None:
    order = cluster.order()
    assert cluster.clone(order).machines[order.vm_id].changed
    again = cluster.clone(order).machines[order.vm_id]
    assert (again.ok, again.changed, again.message) == (True, False, "as it should be")


def test_a_clone_may_be_made_without_being_started(cluster: Cluster) -> None:
    order = cluster.order()
    cluster.clone(order, start=False)
    assert cluster.hypervisor.machine(cluster.host, order.vm_id).power == Power.OFF


def test_one_bad_machine_does_not_stop_the_others(cluster: Cluster) -> None:
    good, bad = cluster.order(), cluster.order(name="falla", template_disk="templates/gone/v1.qcow2")
    machines = cluster.clone(bad, good).machines
    assert (machines[bad.vm_id].ok, machines[good.vm_id].ok) == (False, True)
    assert machines[bad.vm_id].message


def test_a_name_that_is_taken_is_explained(cluster: Cluster) -> None:
    first = cluster.order()
    second = cluster.order(name=first.name)
    outcome = cluster.clone(first).machines | cluster.clone(second).machines
    assert outcome[second.vm_id].message == f"another machine on this host is already called {first.name}"


def test_a_worker_that_was_replaced_is_refused(cluster: Cluster) -> None:
    order = cluster.order()
    cluster.token = 5
    cluster.clone(order)
    cluster.token = 4
    assert cluster.clone(order).machines[order.vm_id].message == "another worker has taken over this machine"
    assert not cluster.retire(order.vm_id).machines[order.vm_id].ok
    assert cluster.hypervisor.machine(cluster.host, order.vm_id).power == Power.RUNNING


def test_a_machine_taken_away_is_not_made_again_under_the_same_number(cluster: Cluster) -> None:
    order = cluster.order()
    cluster.token = 5
    cluster.clone(order, start=False)
    cluster.retire(order.vm_id)
    assert cluster.clone(order).machines[order.vm_id].message == "this machine was taken away meanwhile"
    cluster.token = 6
    assert cluster.clone(order, start=False).machines[order.vm_id].ok


def test_retiring_leaves_nothing(cluster: Cluster) -> None:
    order = cluster.order()
    cluster.clone(order)
    cluster.hypervisor.take_snapshot(cluster.host, order.vm_id, name="before", description="")
    assert cluster.retire(order.vm_id).machines[order.vm_id].changed
    left = cluster.hypervisor.leftovers(cluster.host)
    assert order.vm_id not in left.vm_folders | left.dhcp_reservations
    assert order.vm_id not in {seen.vm_id for seen in cluster.hypervisor.machines(cluster.host)}


def test_retiring_what_is_not_there_is_fine(cluster: Cluster) -> None:
    vm_id = uuid4()
    outcome = cluster.retire(vm_id).machines[vm_id]
    assert (outcome.ok, outcome.changed) == (True, False)


def test_leftovers_show_disks_and_addresses(cluster: Cluster) -> None:
    order = cluster.order()
    cluster.clone(order, start=False)
    left = cluster.hypervisor.leftovers(cluster.host)
    assert order.vm_id in left.vm_folders & left.dhcp_reservations


def test_lines_name_the_machine_and_the_host(cluster: Cluster) -> None:
    order = cluster.order()
    cluster.clone(order)
    texts = [(line.host, line.text) for line in cluster.lines]
    assert texts[0] == ("", "Make the disks, define the machines and start them …")
    assert texts[1] == (cluster.host.name, f"{order.name} – disk made, defined, started")


def test_an_unknown_playbook_cannot_start(cluster: Cluster) -> None:
    with pytest.raises(OutsideUnavailable):
        cluster.playbooks.run(PlaybookRun("rm_rf", cluster.hosts))


def test_a_cancelled_run_says_so(cluster: Cluster) -> None:
    order = cluster.order()
    cluster.made.append((cluster.host, order.vm_id))
    run = PlaybookRun(
        "clone_vms",
        (cluster.host,),
        {"clone_vms_storage_dir": cluster.storage_dir},
        {cluster.host.name: {"clone_vms_machines": [{"vm_id": str(order.vm_id), "name": order.name}]}},
    )
    assert cluster.playbooks.run(run, cancelled=lambda: True).status == PlaybookStatus.CANCELLED


def test_power_goes_off_and_on_and_twice_is_fine(cluster: Cluster) -> None:
    order = cluster.order()
    cluster.clone(order, start=False)
    hypervisor, host = cluster.hypervisor, cluster.host
    for switch, power in ((hypervisor.start, Power.RUNNING), (hypervisor.power_off, Power.OFF)):
        for _ in range(2):
            switch(host, order.vm_id)
            assert hypervisor.machine(host, order.vm_id).power == power


def test_every_question_about_an_unknown_machine_says_so(cluster: Cluster) -> None:
    hypervisor, host, vm_id = cluster.hypervisor, cluster.host, uuid4()
    for ask in (
        hypervisor.machine,
        hypervisor.start,
        hypervisor.power_off,
        hypervisor.shut_down,
        hypervisor.reboot,
        hypervisor.agent_answers,
        hypervisor.serial_log,
        hypervisor.screenshot,
        hypervisor.snapshots,
    ):
        with pytest.raises(MachineMissing):
            ask(host, vm_id)


def test_a_machine_lives_on_its_own_host_only(cluster: Cluster) -> None:
    order = cluster.order()
    cluster.clone(order, host=cluster.hosts[1], start=False)
    with pytest.raises(MachineMissing):
        cluster.hypervisor.machine(cluster.host, order.vm_id)


def test_the_screen_of_a_running_machine_is_a_png(cluster: Cluster) -> None:
    order = cluster.order()
    cluster.clone(order)
    assert cluster.hypervisor.screenshot(cluster.host, order.vm_id).png.startswith(b"\x89PNG\r\n")


def test_a_machine_that_is_off_has_no_screen_and_no_agent(cluster: Cluster) -> None:
    order = cluster.order()
    cluster.clone(order, start=False)
    with pytest.raises(Conflict):
        cluster.hypervisor.screenshot(cluster.host, order.vm_id)
    assert not cluster.hypervisor.agent_answers(cluster.host, order.vm_id)
    assert cluster.hypervisor.serial_log(cluster.host, order.vm_id) == ""


@pytest.mark.parametrize("running", [True, False])
def test_a_snapshot_is_taken_shown_gone_back_to_and_deleted(cluster: Cluster, running: bool) -> None:
    order, hypervisor, host = cluster.order(), cluster.hypervisor, cluster.host
    cluster.clone(order, start=running)
    before = hypervisor.machine(host, order.vm_id).power
    hypervisor.take_snapshot(host, order.vm_id, name="Antes de probar", description="Añadida por Ada")
    shown = hypervisor.snapshots(host, order.vm_id)
    assert [(s.name, s.description) for s in shown] == [("Antes de probar", "Añadida por Ada")]
    (hypervisor.power_off if running else hypervisor.start)(host, order.vm_id)
    hypervisor.revert_snapshot(host, order.vm_id, name="Antes de probar")
    assert hypervisor.machine(host, order.vm_id).power == before
    hypervisor.delete_snapshot(host, order.vm_id, name="Antes de probar")
    assert hypervisor.snapshots(host, order.vm_id) == []


def test_snapshots_with_bad_taken_or_unknown_names_are_refused(cluster: Cluster) -> None:
    order, hypervisor, host = cluster.order(), cluster.hypervisor, cluster.host
    cluster.clone(order, start=False)
    with pytest.raises(Invalid):
        hypervisor.take_snapshot(host, order.vm_id, name="../evil", description="")
    with pytest.raises(NotFound):
        hypervisor.revert_snapshot(host, order.vm_id, name="unknown")
    hypervisor.take_snapshot(host, order.vm_id, name="one", description="")
    with pytest.raises(Conflict):
        hypervisor.take_snapshot(host, order.vm_id, name="one", description="")


def test_a_host_says_what_it_can_do(cluster: Cluster) -> None:
    facts = cluster.hypervisor.describe(cluster.host)
    assert facts.vcpus > 0
    assert 0 < facts.free_memory_mib <= facts.memory_mib
    assert 0 < facts.storage_free_mib <= facts.storage_total_mib
    assert facts.accelerator in {"kvm", "qemu"}
