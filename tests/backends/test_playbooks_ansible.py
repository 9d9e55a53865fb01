"""What only the real runner can get wrong: text that looks like a program, secrets, stopping, hosts that are away."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path

import pytest

from portal.backends.playbooks_ansible import AnsiblePlaybooks
from portal.core.errors import HypervisorUnavailable
from portal.interfaces import Hardware, HostAddress, Json, PlaybookLine, PlaybookRun, PlaybookStatus
from portal.minicluster import Inventory
from tests.backends.conftest import Cluster, as_json
from tests.minicluster.fixtures import run_on_host

pytestmark = [pytest.mark.minicluster, pytest.mark.root]


def run_of(
    cluster: Cluster, *hosts: HostAddress, secrets: dict[str, Json] | None = None, **changes: object
) -> PlaybookRun:
    order = cluster.order(**changes)
    cluster.made.append((hosts[0], order.vm_id))
    variables: dict[str, Json] = {"clone_vms_storage_dir": cluster.storage_dir, "clone_vms_start": False}
    machines: dict[str, dict[str, Json]] = {hosts[0].name: {"clone_vms_machines": [as_json(order)]}}
    given: dict[str, Json] = {"clone_vms_secrets": {str(order.vm_id): secrets}} if secrets else {}
    return PlaybookRun("clone_vms", hosts, variables, machines, given)


def seed_of(inventory: Inventory, cluster: Cluster, file: str) -> str:
    host, vm_id = cluster.made[-1]
    return run_on_host(inventory, host, f"isoinfo -J -x /{file} -i {cluster.storage_dir}/vms/{vm_id}/seed.iso")


def test_text_that_looks_like_a_program_arrives_as_text(
    minicluster: Inventory, real_cluster: Cluster, tmp_path: Path
) -> None:
    evil = "{{ lookup('pipe', 'touch " + str(tmp_path / "evil") + "') }}"
    run = run_of(real_cluster, real_cluster.host, parameters={"title": evil}, secrets={"password": evil})
    assert real_cluster.playbooks.run(run).status == PlaybookStatus.SUCCEEDED
    assert evil in seed_of(minicluster, real_cluster, "parameters.json").replace('\\"', '"')
    assert not (tmp_path / "evil").exists()


def test_a_secret_reaches_the_seed_and_nothing_else(minicluster: Inventory, real_cluster: Cluster) -> None:
    lines: list[PlaybookLine] = []
    run = run_of(real_cluster, real_cluster.host, secrets={"password": "a"})  # short enough to be part of an id
    result = real_cluster.playbooks.run(run, on_line=lines.append)
    assert result.machines[real_cluster.made[-1][1]].ok
    assert '"password": "a"' in seed_of(minicluster, real_cluster, "parameters.json")
    assert files_holding(minicluster, real_cluster.host, '"password"') == []


def files_holding(inventory: Inventory, host: HostAddress, text: str) -> list[str]:
    """Files on the host, outside of the cabinet, in which the text stands."""
    found = run_on_host(inventory, host, f"grep -rlsF {shlex.quote(text)} /tmp /var/tmp /root /var/log /run || true")
    return found.splitlines()


def test_a_host_that_is_away_is_named_and_the_others_work(real_cluster: Cluster) -> None:
    run = run_of(real_cluster, real_cluster.host, HostAddress("gone", "127.0.0.1", port=1))
    result = real_cluster.playbooks.run(run)
    assert result.status == PlaybookStatus.FAILED
    assert list(result.hosts_failed) == ["gone"]
    assert "does not answer" in result.hosts_failed["gone"]
    assert result.machines[real_cluster.made[-1][1]].ok


def test_a_run_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    play = [{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [{"command": "sleep 300"}]}]
    (tmp_path / "slow.yml").write_text(json.dumps(play))
    (tmp_path / "ansible.cfg").touch()
    runner = AnsiblePlaybooks(playbooks_dir=tmp_path, ssh_key=tmp_path / "key", known_hosts=tmp_path / "known")
    result = runner.run(PlaybookRun("slow", (HostAddress("here", "127.0.0.1"),), timeout_s=4))
    runner.close()
    assert result.status == PlaybookStatus.TIMED_OUT
    assert result.machines == {}


def test_trouble_while_lines_are_kept_ends_the_run_and_comes_back(real_cluster: Cluster) -> None:
    def refuse(line: PlaybookLine) -> None:
        raise HypervisorUnavailable("the database is gone")

    began = time.monotonic()
    with pytest.raises(HypervisorUnavailable, match="the database is gone"):
        real_cluster.playbooks.run(run_of(real_cluster, real_cluster.host), on_line=refuse)
    assert time.monotonic() - began < 30


def test_a_cancelled_run_leaves_nobody_working(minicluster: Inventory, real_cluster: Cluster) -> None:
    orders = [real_cluster.order() for _ in range(12)]
    real_cluster.made += [(real_cluster.host, order.vm_id) for order in orders]
    lines: list[PlaybookLine] = []
    run = PlaybookRun(
        "clone_vms",
        (real_cluster.host,),
        {
            "clone_vms_storage_dir": real_cluster.storage_dir,
            "fencing": {str(order.vm_id): {"token": real_cluster.token} for order in orders},
        },
        {real_cluster.host.name: {"clone_vms_machines": [as_json(order) for order in orders]}},
    )
    result = real_cluster.playbooks.run(run, on_line=lines.append, cancelled=lambda: bool(lines))
    assert result.status == PlaybookStatus.CANCELLED
    real_cluster.retire(*(order.vm_id for order in orders))
    left = real_cluster.hypervisor.leftovers(real_cluster.host).vm_folders
    assert left.isdisjoint(order.vm_id for order in orders)
    assert "vivero_clone_vms" not in run_on_host(minicluster, real_cluster.host, "ps -eo args")


def test_an_old_windows_machine_has_its_floppy_until_it_is_switched_off(
    minicluster: Inventory, real_cluster: Cluster
) -> None:
    old = Hardware(disk_bus="ide", nic_model="rtl8139", clock="localtime", video="cirrus", cpu_model="qemu32")
    order = real_cluster.order(personalisation="sysprep", network="quarantine", hardware=old)
    assert real_cluster.clone(order).machines[order.vm_id].message == "disk made, defined, started"
    shown = f"virsh -c qemu:///system dumpxml {order.vm_id}"
    assert "device='floppy'" in run_on_host(minicluster, real_cluster.host, shown)
    real_cluster.hypervisor.power_off(real_cluster.host, order.vm_id)
    real_cluster.hypervisor.start(real_cluster.host, order.vm_id)
    assert "device='floppy'" not in run_on_host(minicluster, real_cluster.host, shown)
