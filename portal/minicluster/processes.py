"""Starts, recognises and ends the minicluster's processes by pid *and* start time: a reused pid is not ours."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

from portal.minicluster.host_init import ENVIRONMENT, start_time


def identify(pid: int) -> str:
    """`pid start-time`: names one process for good. Empty when it does not live."""
    try:
        return f"{pid} {start_time(pid)}"
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_alive(identity: str) -> bool:
    """A zombie is dead: its files, memory and namespaces are gone."""
    if not identity:
        return False
    pid = int(identity.split()[0])
    if identify(pid) != identity.strip():
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def run_starter(script: str, config: Path, *, log: Path, lock: IO[str]) -> int:
    """The exit code of a script that leaves a process behind and writes down its pid.

    The starter holds the cluster's lock too, by its standard input: should we be killed meanwhile, nobody else
    gets the lock before that pid is known. What it leaves behind lets go of it.
    """
    with log.open("ab") as output:
        return subprocess.run(
            ["/usr/bin/python3", "-I", script, str(config)],
            stdin=lock,
            stdout=output,
            stderr=output,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            check=False,
            timeout=20,
        ).returncode


def read_identity(pid_file: Path) -> str:
    try:
        return pid_file.read_text().strip()
    except FileNotFoundError:
        return ""


def running_pid(pid_file: Path) -> int | None:
    identity = read_identity(pid_file)
    return int(identity.split()[0]) if is_alive(identity) else None


def kill(pid_file: Path, number: signal.Signals, *, timeout_s: float = 10.0) -> None:
    """Return when the process is dead. Dead already is fine."""
    identity = read_identity(pid_file)
    if is_alive(identity):
        pid = int(identity.split()[0])
        os.kill(pid, number)
        wait_for_death(identity, timeout_s=timeout_s)
        reap(pid)
    pid_file.unlink(missing_ok=True)


def wait_for_death(identity: str, *, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while is_alive(identity):
        if time.monotonic() > deadline:
            os.kill(int(identity.split()[0]), signal.SIGKILL)
            deadline = time.monotonic() + timeout_s
        time.sleep(0.01)


def reap(pid: int) -> None:
    """Where we are the first process of a container, the orphan became our child and we must bury it."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
