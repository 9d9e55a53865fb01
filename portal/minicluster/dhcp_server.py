"""Keeps one dnsmasq running that answers with reservations only, and forgets the reservations that go away.

Run as `/usr/bin/python3 -I dhcp_server.py <config.json>`; standard library only. dnsmasq reads new files of its
`dhcp-hostsdir` at once but never forgets removed ones, and keeps the old lease: an address that is used again
for the next machine would not be given out. So it is started anew, with the orphaned leases taken out, in 50 ms.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

POLL_S = 0.5
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None)


def end_with_parent() -> None:
    """In the child: dnsmasq must not outlive us, not even after a kill -9."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def look(folder: Path) -> dict[str, tuple[int, int]]:
    """Each reservation's time and size: cheap enough to be asked twice a second."""
    found = {}
    for file in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # it vanished while we looked
            seen = file.stat()
            found[file.name] = (seen.st_mtime_ns, seen.st_size)
    return found


def reserved(folder: Path) -> set[tuple[str, ...]]:
    """MAC address and IP address of every reservation."""
    pairs = set()
    for file in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            pairs.add(tuple(file.read_text().strip().split(",")[:2]))
    return pairs


def forget_orphans(leases: Path, folder: Path) -> None:
    """Keep only leases whose MAC address and IP address stand together in a reservation."""
    if not leases.exists():
        return
    pairs = reserved(folder)
    lines = [line for line in leases.read_text().splitlines() if tuple(line.split()[1:3]) in pairs]
    leases.write_text("".join(f"{line}\n" for line in lines))


def start(config: dict[str, Any]) -> subprocess.Popen[bytes]:
    command = [
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--port=0",  # no DNS at all
        "--bind-interfaces",
        f"--interface={config['interface']}",
        "--except-interface=lo",
        f"--dhcp-range={config['network']},static,{config['netmask']},1h",
        f"--dhcp-option=option:router,{config['gateway']}",
        f"--dhcp-hostsdir={config['reservations']}",
        f"--dhcp-leasefile={config['leases']}",
        "--dhcp-authoritative",
        "--no-ping",
        "--pid-file=",
        "--user=root",  # the cabinet may lie below a folder that only root can enter
        f"--log-facility={config['log']}",
    ]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=end_with_parent)  # noqa: PLW1509


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(timeout=2)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def serve(config: dict[str, Any]) -> None:
    folder, leases = Path(config["reservations"]), Path(config["leases"])
    known = look(folder)
    forget_orphans(leases, folder)
    server = start(config)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while True:
            time.sleep(POLL_S)
            now = look(folder)
            if server.poll() is not None or any(now.get(name) != seen for name, seen in known.items()):
                stop(server)
                forget_orphans(leases, folder)
                server = start(config)
            known = now
    finally:
        stop(server)


def detach(pid_file: Path) -> None:
    """Go on as a child that nobody waits for; return there, once its pid and start time are written."""
    read_end, write_end = os.pipe()
    if os.fork():
        os.close(write_end)
        os.read(read_end, 1)
        os._exit(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # it was the cluster's lock, which is our starter's to hold
    started = Path("/proc/self/stat").read_text().rsplit(") ", 1)[1].split()[19]
    pid_file.write_text(f"{os.getpid()} {started}\n")
    os.write(write_end, b"1")
    os.close(read_end)
    os.close(write_end)


def main() -> None:
    os.umask(0o077)
    config = json.loads(Path(sys.argv[1]).read_text())
    detach(Path(config["pid_file"]))
    serve(config)


if __name__ == "__main__":
    main()
