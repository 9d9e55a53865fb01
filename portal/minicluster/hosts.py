"""One host's life: power on, wait until it serves, look at it, cut its power."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from portal.core.errors import N_, HypervisorUnavailable
from portal.minicluster import host_files, host_init, network, processes
from portal.minicluster.plan import ClusterPlan, HostPlan

READY_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class HostStatus:
    """`guests` are the names of running machines; empty too when libvirt does not answer."""

    name: str
    address: str
    alive: bool
    libvirt_answers: bool
    guests: tuple[str, ...]


def start_host(plan: ClusterPlan, host: HostPlan, *, lock: IO[str]) -> None:
    """Return when the host's first process runs and its cables are plugged in; it is not ready yet."""
    folder = host.disk.parent
    code = processes.run_starter(host_init.__file__, folder / "init.json", log=folder / "init.log", lock=lock)
    pid = processes.running_pid(host.pid_file)
    if code != 0 or pid is None:
        raise HypervisorUnavailable(
            N_("Host %(name)s did not start: %(reason)s"), name=host.name, reason=last_words(host)
        )
    network.connect_host(plan, host, pid)


def last_words(host: HostPlan) -> str:
    log = host.disk.parent / "init.log"
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "no reason given"


def wait_until_ready(host: HostPlan, *, timeout_s: float = READY_TIMEOUT_S) -> None:
    """Return when sshd greets and libvirtd has started its networks."""
    wait_for(host, lambda: ssh_greets(host.address), "SSH", timeout_s)
    wait_for(host, lambda: len(ask_libvirt(host, "net-list", "--name") or ()) > 0, "libvirt", timeout_s)


def wait_for(host: HostPlan, ready: Callable[[], bool], what: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not ready():
        if processes.running_pid(host.pid_file) is None or time.monotonic() > deadline:
            reason = f"{what}: {last_words(host)}"
            raise HypervisorUnavailable(N_("Host %(name)s did not start: %(reason)s"), name=host.name, reason=reason)
        time.sleep(0.1)


def ssh_greets(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=2.0) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def ask_libvirt(host: HostPlan, *question: str) -> tuple[str, ...] | None:
    """Lines of virsh's answer from inside the host; None when it does not answer in time."""
    pid = processes.running_pid(host.pid_file)
    if pid is None or not Path(f"/proc/{pid}/root/run/libvirt/libvirt-sock").exists():
        return None
    spaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"]
    command = ["nsenter", "--target", str(pid), *spaces, "virsh", "-q", "-c", "qemu:///system", *question]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, env=host_init.ENVIRONMENT)
    except subprocess.TimeoutExpired:
        return None
    return tuple(done.stdout.split()) if done.returncode == 0 else None


def look_at(host: HostPlan) -> HostStatus:
    guests = ask_libvirt(host, "list", "--name")
    return HostStatus(
        name=host.name,
        address=host.address,
        alive=processes.running_pid(host.pid_file) is not None,
        libvirt_answers=guests is not None,
        guests=guests or (),
    )


def tell_names(plan: ClusterPlan, host: HostPlan) -> None:
    """A running host learns of hosts that came later: live moves go from name to name."""
    pid = processes.running_pid(host.pid_file)
    if pid is not None:
        Path(f"/proc/{pid}/root/etc/hosts").write_text(host_files.names_of_hosts(plan))


def cut_power(plan: ClusterPlan, host: HostPlan) -> None:
    """Kill the host's first process: the kernel ends everything inside, guests included. Its disk stays."""
    processes.kill(host.pid_file, signal.SIGKILL)
    network.remove(sorted(set(network.our_links(plan.alias)) & set(host.links)))
