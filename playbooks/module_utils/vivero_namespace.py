"""Network namespaces of seats: working inside one, and ending what belongs to it and nothing else."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ansible.module_utils.vivero_machine import Refused

NAMESPACES = Path("/run/netns")
CLONE_NEWNET = 0x40000000
TOOL_TIMEOUT_S = 30
END_TIMEOUT_S = 5.0


def inside(namespace: str, work: Callable[[], None]) -> None:
    """Do it in a thread of its own that has entered the namespace; nobody else notices."""
    trouble: list[BaseException] = []

    def enter_and_work() -> None:
        try:
            enter(NAMESPACES / namespace)
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            trouble.append(error)

    thread = threading.Thread(target=enter_and_work)
    thread.start()
    thread.join()
    if trouble:
        raise trouble[0]


def enter(namespace: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"could not enter {namespace}")
    finally:
        os.close(descriptor)


def start_apart(*command: str) -> None:
    """It outlives us and the connection that we came by."""
    quiet = subprocess.DEVNULL
    subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True, cwd="/")


def tool(*command: str, text: str = "") -> None:
    try:
        done = subprocess.run(
            command, input=text, text=True, capture_output=True, timeout=TOOL_TIMEOUT_S, check=False, cwd="/"
        )
    except FileNotFoundError:
        raise Refused(f"the program {command[0]} is not installed on this host") from None
    if done.returncode != 0:
        raise Refused(f"{command[0]}: {' '.join(done.stderr.split())[-300:]}")


def processes_in(namespace: str) -> list[int]:
    """The relays of a door's visitors are children of its socat and not counted."""
    try:
        wanted = (NAMESPACES / namespace).stat().st_ino
    except FileNotFoundError:
        return []
    found = {pid: parent for pid, parent in all_processes() if namespace_of(pid) == wanted}
    return [pid for pid, parent in found.items() if parent not in found]


def all_processes() -> list[tuple[int, int]]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((int(folder.name), int((folder / "stat").read_text().rsplit(") ", 1)[1].split()[1])))
        except OSError:
            continue  # it ended while we looked
    return found


def namespace_of(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return 0


def end_processes(namespace: str) -> None:
    """Parents first; their children show up in the next round."""
    deadline = time.monotonic() + END_TIMEOUT_S
    while running := processes_in(namespace):
        for pid in running:
            end(pid, namespace)
        if time.monotonic() > deadline:
            raise Refused("what serves the seat's network does not end")
        time.sleep(0.01)


def end(pid: int, namespace: str) -> None:
    """Asked again once it is held fast: the number may be another process's by now."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if namespace_of(pid) == (NAMESPACES / namespace).stat().st_ino:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)
