"""The minicluster comes up once, dies as real hosts die, and goes without a trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from portal.core.errors import Invalid, NotFound, PortalError
from portal.minicluster import Minicluster, host_init, read_inventory
from portal.minicluster.network import our_links
from portal.minicluster.plan import load_plan
from tests.minicluster.conftest import Guests
from tests.minicluster.fixtures import run_on_host, wait_until

pytestmark = [pytest.mark.minicluster, pytest.mark.root]


@pytest.fixture
def cluster(tmp_path: Path) -> Minicluster:
    return Minicluster(tmp_path / "state")


def traces(cluster: Minicluster) -> list[str]:
    """Processes and mounts that name the state directory."""
    name = str(cluster.state_dir)
    found = traced_commands(cluster)
    found += [line for line in Path("/proc/self/mounts").read_text().splitlines() if name in line]
    return found


def traced_commands(cluster: Minicluster) -> list[str]:
    lines = [command_line(path) for path in Path("/proc").glob("[0-9]*")]
    return [line for line in lines if str(cluster.state_dir) in line]


def command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def alias(cluster: Minicluster) -> str:
    """What every interface of this cluster carries."""
    plan = load_plan(cluster.state_dir)
    assert plan is not None
    return plan.alias


def first_process(cluster: Minicluster, host: str) -> str:
    """Pid and start time: unlike a namespace's number the two are never given out again."""
    return (cluster.state_dir / "hosts" / host / "pid").read_text()


def pid_namespace(cluster: Minicluster, host: str) -> str:
    pid = first_process(cluster, host).split()[0]
    return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115 - not a path


def all_pid_namespaces() -> set[str]:
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.add(os.readlink(process / "ns" / "pid"))  # noqa: PTH115 - not a path
        except OSError:
            continue
    return found


def test_up_twice_keeps_the_running_hosts(own_minicluster: Minicluster) -> None:
    before = first_process(own_minicluster, "hv1")
    own_minicluster.up(3)
    assert first_process(own_minicluster, "hv1") == before


def test_the_inventory_file_says_the_same_as_up(own_minicluster: Minicluster) -> None:
    path = own_minicluster.state_dir / "inventory.json"
    assert read_inventory(path) == own_minicluster.up(3)
    assert json.loads(path.read_text())["storage_dir"] == "/srv/vivero"


def test_the_machine_forwards_nothing_for_guests(own_minicluster: Minicluster) -> None:
    plan = load_plan(own_minicluster.state_dir)
    assert plan is not None
    switches = [
        Path(f"/proc/sys/net/ipv4/conf/{bridge}/forwarding").read_text()
        for bridge in (plan.management_bridge, plan.department_bridge)
    ]
    assert switches == ["0\n", "0\n"]


def test_two_clusters_stand_side_by_side(own_minicluster: Minicluster, cluster: Minicluster) -> None:
    first = own_minicluster.up()
    try:
        second = cluster.up(1)
        assert second.department_network != first.department_network
        assert run_on_host(second, second.hosts[0], "hostname") == "hv1\n"
    finally:
        cluster.down()
    assert all(host.libvirt_answers for host in own_minicluster.status())


def test_a_later_host_joins_and_all_know_it(cluster: Minicluster) -> None:
    try:
        cluster.up(1)
        inventory = cluster.up(2)
        names = run_on_host(inventory, inventory.hosts[0], "getent hosts hv2")
    finally:
        cluster.down()
    assert names.split()[0] == inventory.hosts[1].address


def test_down_leaves_no_process_mount_namespace_or_interface(cluster: Minicluster, guests: Guests) -> None:
    inventory = cluster.up(2)
    links = alias(cluster)
    assert len(our_links(links)) == 6
    guests.start(inventory, inventory.hosts[0], "guest")
    spaces = {pid_namespace(cluster, host.name) for host in inventory.hosts}
    cluster.down()
    assert traces(cluster) == []
    assert our_links(links) == []
    assert wait_until(lambda: not spaces & all_pid_namespaces())
    assert cluster.status() == ()


def test_down_cleans_up_after_a_killed_up(cluster: Minicluster) -> None:
    program = "import sys; from portal.minicluster import Minicluster; Minicluster(sys.argv[1]).up(3, progress=print)"
    with subprocess.Popen([sys.executable, "-u", "-c", program, cluster.state_dir], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        while b"hv1 has power" not in starter.stdout.readline():
            assert starter.poll() is None
        starter.kill()
    links = alias(cluster)
    assert traces(cluster) != []
    cluster.down()
    assert traces(cluster) == []
    assert our_links(links) == []


def test_a_host_that_a_killed_up_was_still_starting_goes_too(cluster: Minicluster, tmp_path: Path) -> None:
    slow, gate = tmp_path / "slow.py", tmp_path / "gate"
    run_it = f"runpy.run_path({host_init.__file__!r}, run_name='__main__')"
    wait = f"while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.05)"
    slow.write_text(f"import pathlib, runpy, time\n{wait}\n{run_it}\n")
    program = (
        "import sys; from portal.minicluster import Minicluster, host_init; host_init.__file__ = sys.argv[2]; "
        "Minicluster(sys.argv[1]).up(1)"
    )
    with subprocess.Popen([sys.executable, "-c", program, cluster.state_dir, slow]) as starter:
        assert wait_until(lambda: any("-I" in line and str(slow) in line for line in traced_commands(cluster)))
        starter.kill()
    with ThreadPoolExecutor() as pool:
        down = pool.submit(cluster.down)
        assert not wait_until(down.done, timeout_s=1)
        gate.touch()
        down.result(timeout=30)
    assert traces(cluster) == []


def test_an_orphan_is_ended_before_the_next_up(cluster: Minicluster) -> None:
    with subprocess.Popen(["sleep", "60"]) as owner:
        cluster.up(1, owner_pid=owner.pid)
        orphan = first_process(cluster, "hv1")
        owner.kill()
    try:
        cluster.up(1, owner_pid=os.getpid())
        assert first_process(cluster, "hv1") != orphan
    finally:
        cluster.down()


def test_a_failed_up_leaves_nothing(cluster: Minicluster) -> None:
    links = []

    def fail_at_the_second_host(line: str) -> None:
        if "hv2 has power" in line:
            links.append(alias(cluster))
            raise PortalError("no more power")

    with pytest.raises(PortalError, match="no more power"):
        cluster.up(3, progress=fail_at_the_second_host)
    assert traces(cluster) == []
    assert our_links(links[0]) == []


def test_a_power_cut_takes_the_guests_and_power_on_brings_the_host_back(
    own_minicluster: Minicluster, guests: Guests
) -> None:
    inventory = own_minicluster.up()
    guests.start(inventory, inventory.hosts[1], "guest")
    own_minicluster.power_cut("hv2")
    one, two, three = own_minicluster.status()
    assert (one.alive, two.alive, two.libvirt_answers, three.alive) == (True, False, False, True)
    own_minicluster.power_on("hv2")
    assert own_minicluster.status()[1].guests == ()
    assert run_on_host(inventory, inventory.hosts[1], "hostname") == "hv2\n"


def test_definitions_survive_a_power_cut(own_minicluster: Minicluster) -> None:
    inventory = own_minicluster.up()
    definition = "<domain type='qemu'><name>kept</name><memory>32768</memory><os><type>hvm</type></os></domain>"
    run_on_host(inventory, inventory.hosts[0], "virsh -q define /dev/stdin", stdin=definition)
    own_minicluster.power_cut("hv1")
    own_minicluster.power_on("hv1")
    assert "kept" in run_on_host(inventory, inventory.hosts[0], "virsh list --all --name").split()


def test_hosts_come_up_empty_after_down_but_the_cabinet_is_kept(cluster: Minicluster) -> None:
    inventory = cluster.up(1)
    definition = "<domain type='qemu'><name>gone</name><memory>32768</memory><os><type>hvm</type></os></domain>"
    run_on_host(inventory, inventory.hosts[0], "virsh -q define /dev/stdin", stdin=definition)
    run_on_host(inventory, inventory.hosts[0], "echo disk > /srv/vivero/templates/kept")
    cluster.down()
    try:
        inventory = cluster.up(1)
        seen = run_on_host(inventory, inventory.hosts[0], "virsh list --all --name; cat /srv/vivero/templates/kept")
    finally:
        cluster.down()
    assert seen.split() == ["disk"]


def test_libvirtd_that_dies_comes_back(own_minicluster: Minicluster) -> None:
    inventory = own_minicluster.up()
    run_on_host(inventory, inventory.hosts[2], "kill -9 $(pidof libvirtd)")
    assert wait_until(lambda: own_minicluster.status()[2].libvirt_answers)


def test_a_pid_that_was_used_again_is_not_killed(cluster: Minicluster) -> None:
    cluster.up(1)
    pid_file = cluster.state_dir / "hosts" / "hv1" / "pid"
    real = pid_file.read_text()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        pid_file.write_text(f"{stranger.pid} 1\n")
        cluster.power_cut("hv1")
        still_alive = stranger.poll() is None
        stranger.send_signal(signal.SIGKILL)
    pid_file.write_text(real)
    cluster.down()
    assert still_alive
    assert traces(cluster) == []


@pytest.mark.parametrize("count", [0, 31])
def test_a_cluster_has_one_to_thirty_hosts(cluster: Minicluster, count: int) -> None:
    with pytest.raises(Invalid):
        cluster.up(count)


def test_an_unknown_host_has_no_power_to_cut(own_minicluster: Minicluster) -> None:
    with pytest.raises(NotFound):
        own_minicluster.power_cut("hv9")
