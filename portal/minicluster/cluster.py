"""Brings the minicluster up and down; the only door into this package for others."""

from __future__ import annotations

import fcntl
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from portal.config import ROOT
from portal.core.errors import N_, NotFound, OutsideUnavailable
from portal.minicluster import dhcp, host_files, hosts, network, processes
from portal.minicluster.accelerator import prove_accelerator
from portal.minicluster.hosts import HostStatus
from portal.minicluster.inventory import Inventory, take_inventory, write_inventory
from portal.minicluster.needs import check_packages, check_root
from portal.minicluster.plan import (
    ClusterPlan,
    HostPlan,
    check_count,
    load_plan,
    new_plan,
    plan_file,
    save_plan,
)

ROLE_FILES = ROOT / "playbooks" / "roles" / "prepare_host" / "files"


def say_nothing(line: str) -> None:
    """The default progress callback."""


def is_left_over(plan: ClusterPlan) -> bool:
    """Its owner is dead, or its bridges are gone: the machine was restarted, or `up` was killed while it built them."""
    orphan = bool(plan.owner) and not processes.is_alive(plan.owner)
    bridges = {plan.management_bridge, plan.department_bridge}
    return orphan or not bridges <= set(network.our_links(plan.alias))


class Minicluster:
    """Hypervisor hosts made of Linux namespaces. Everything of one cluster lies in one state directory.

    All verbs may be called again without harm, from any process, also after a kill -9 of the one before.
    """

    def __init__(self, state_dir: Path | str, *, role_files: Path = ROLE_FILES) -> None:
        self.state_dir = Path(state_dir).resolve()
        self.role_files = role_files

    def up(
        self, hosts: int = 3, *, owner_pid: int | None = None, progress: Callable[[str], None] = say_nothing
    ) -> Inventory:
        """Return when every host answers by SSH and libvirt. Hosts that run already are kept as they are.

        With `owner_pid` the cluster belongs to that process: once it is dead, the next `up` begins with `down`.
        What a failed `up` had started is ended again.
        """
        check_count(hosts)
        check_root()
        check_packages()
        self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.locked() as lock:
            plan = self.plan_for(hosts, owner=processes.identify(owner_pid) if owner_pid else "", progress=progress)
            missing = [host for host in plan.hosts if processes.running_pid(host.pid_file) is None]
            try:
                self.start(plan, missing, progress, lock)
            except BaseException:
                progress("minicluster: something failed, cleaning up")
                self.undo_start(plan, missing)
                raise
            return self.publish(plan)

    def undo_start(self, plan: ClusterPlan, missing: list[HostPlan]) -> None:
        """Hosts that ran before go on running."""
        if len(missing) == plan.hosts_count:
            self.take_down(plan)
        for host in missing:
            hosts.cut_power(plan, host)

    def plan_for(self, count: int, *, owner: str, progress: Callable[[str], None]) -> ClusterPlan:
        """The running cluster's plan, or a new one with its bridges built."""
        plan = load_plan(self.state_dir)
        if plan and is_left_over(plan):
            progress("minicluster: ending what a killed process left")
            self.take_down(plan)
            plan = None
        if plan:
            plan = replace(plan, hosts_count=max(count, plan.hosts_count), owner=owner or plan.owner)
            save_plan(plan)
            return plan
        return self.claim_unit(count, owner)

    def claim_unit(self, count: int, owner: str) -> ClusterPlan:
        """The first free unit whose bridges we could make: another cluster may be coming up beside us."""
        for unit in network.free_units():
            plan = new_plan(self.state_dir, unit=unit, hosts=count, owner=owner)
            save_plan(plan)
            try:
                network.build_bridges(plan)
            except OutsideUnavailable:
                network.remove(network.our_links(plan.alias))
                continue
            return plan
        plan_file(self.state_dir).unlink(missing_ok=True)
        raise OutsideUnavailable(N_("The minicluster's network could not be built."))

    def start(self, plan: ClusterPlan, missing: list[HostPlan], progress: Callable[[str], None], lock: IO[str]) -> None:
        if missing:
            progress("minicluster: probing the accelerator")
            accelerator = prove_accelerator(self.role_files)
            progress(f"minicluster: accelerator is {accelerator.name}")
            for folder in ("templates", "vms", "dhcp"):
                (plan.cabinet / folder).mkdir(parents=True, exist_ok=True)
            host_files.make_key(plan.ssh_key, "vivero")
        for host in missing:
            host_files.write_host(plan, host, accelerator=accelerator, networks=self.role_files / "networks")
        host_files.write_known_hosts(plan)
        for host in set(plan.hosts) - set(missing):
            hosts.tell_names(plan, host)
        dhcp.start(plan, lock=lock)
        for host in missing:
            hosts.start_host(plan, host, lock=lock)
            progress(f"minicluster: {host.name} has power")
        with ThreadPoolExecutor(max_workers=4) as pool:
            for host, _ready in zip(missing, pool.map(hosts.wait_until_ready, missing), strict=True):
                progress(f"minicluster: {host.name} is ready at {host.address}")

    def publish(self, plan: ClusterPlan) -> Inventory:
        inventory = take_inventory(plan)
        write_inventory(inventory, plan.inventory)
        return inventory

    def down(self, *, forget: bool = False) -> None:
        """End everything of this state directory: the hosts are gone with all that was defined on them.

        The cabinet and the key to the hosts stay for the next `up`, unless `forget`.
        """
        check_root()
        if not self.state_dir.is_dir():
            return
        with self.locked():
            plan = load_plan(self.state_dir)
            if plan:
                self.take_down(plan)
            for name in ("hosts", "dhcp", *(("cabinet", "ssh") if forget else ())):
                shutil.rmtree(self.state_dir / name, ignore_errors=True)

    def take_down(self, plan: ClusterPlan) -> None:
        plan.inventory.unlink(missing_ok=True)
        dhcp.stop(plan)
        for host in plan.hosts:
            processes.kill(host.pid_file, signal.SIGKILL)
        network.remove(network.our_links(plan.alias))
        plan_file(self.state_dir).unlink(missing_ok=True)

    def status(self) -> tuple[HostStatus, ...]:
        """One entry per host, in order; empty when the cluster is down."""
        check_root()
        plan = load_plan(self.state_dir)
        if not plan:
            return ()
        with ThreadPoolExecutor(max_workers=4) as pool:
            return tuple(pool.map(hosts.look_at, plan.hosts))

    def first_processes(self) -> dict[str, int]:
        """By name the process of each running host that all others of it descend from."""
        plan = load_plan(self.state_dir)
        found = {host.name: processes.running_pid(host.pid_file) for host in (plan.hosts if plan else ())}
        return {name: pid for name, pid in found.items() if pid is not None}

    def power_cut(self, name: str) -> None:
        """The host dies at once with all its guests, as when its cable is pulled."""
        plan, host = self.find(name)
        with self.locked():
            hosts.cut_power(plan, host)

    def power_on(self, name: str) -> None:
        """Return when the host serves again. Its guests stay off, as on a real host without autostart."""
        plan, host = self.find(name)
        with self.locked() as lock:
            if processes.running_pid(host.pid_file) is None:
                hosts.start_host(plan, host, lock=lock)
            hosts.wait_until_ready(host)

    def find(self, name: str) -> tuple[ClusterPlan, HostPlan]:
        check_root()
        plan = load_plan(self.state_dir)
        for host in plan.hosts if plan else ():
            if plan and host.name == name:
                return plan, host
        raise NotFound(N_("The minicluster has no host “%(name)s”."), name=name)

    @contextmanager
    def locked(self) -> Iterator[IO[str]]:
        """One verb at a time; the lock falls with the process that holds it, and with what it was just starting."""
        with (self.state_dir / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock
