"""Opens the kept connections to hosts while Ansible is still starting: both take most of a second, now the same one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from portal.backends.ansible_files import SshWay
from portal.interfaces import HostAddress, PlaybookRun

LAST_WAIT_S = 2.0


@contextmanager
def opened_early(run: PlaybookRun, ssh: SshWay) -> Iterator[None]:
    """Nothing depends on it: a host that does not answer is Ansible's to report."""
    knocks = [knock(host, ssh) for host in run.hosts if not is_local(run, host)]
    try:
        yield
    finally:
        for process in knocks:
            let_go(process)


def is_local(run: PlaybookRun, host: HostAddress) -> bool:
    return "ansible_connection" in run.host_variables.get(host.name, {})


def knock(host: HostAddress, ssh: SshWay) -> subprocess.Popen[bytes]:
    """The connection stays behind this command by itself (ControlPersist); one that is open already is used."""
    return subprocess.Popen(
        knock_command(host, ssh),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def knock_command(host: HostAddress, ssh: SshWay) -> list[str]:
    control_path = ssh.control_path.replace("%%", "%")  # Ansible writes its own names with one %
    options = ["-o", f"ControlPath={control_path}", "-i", str(ssh.key), "-p", str(host.port)]
    return ["ssh", *ssh.arguments(), *options, f"{host.user}@{host.address}", "true"]


def let_go(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(LAST_WAIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
