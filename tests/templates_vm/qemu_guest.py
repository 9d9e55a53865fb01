"""One QEMU guest without libvirt, for looking at a template's disk: unix sockets only, TCG, a seed disk."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.core.errors import GuestSilent
from portal.interfaces import GuestAnswer


def write_seed(folder: Path, values: Mapping[str, str]) -> Path:
    """A seed disk as docs/seed.md says, with the files that our own reader needs."""
    files = folder / "seed"
    files.mkdir()
    lines = [f"{name}={base64.b64encode(value.encode()).decode()}" for name, value in values.items()]
    (files / "vivero.env").write_text("\n".join(lines) + "\n")
    (files / "meta-data").write_text(f"instance-id: {values['instance_id']}\n")
    (files / "parameters.json").write_text("{}")
    seed = folder / "seed.iso"
    subprocess.run(["genisoimage", "-quiet", "-V", "cidata", "-J", "-r", "-o", seed, files], check=True)
    return seed


@dataclass
class Guest:
    process: subprocess.Popen[bytes]
    folder: Path
    serial: socket.socket
    said: str = ""

    def listen(self, seconds: float) -> None:
        self.serial.settimeout(seconds)
        try:
            self.said += self.serial.recv(65536).decode(errors="replace")
        except TimeoutError:
            return

    def wait_for(self, text: str, *, seconds: float = 90) -> None:
        """Return once the guest has printed the text on its serial console."""
        deadline = time.monotonic() + seconds
        while text not in self.said:
            assert time.monotonic() < deadline, f"{text!r} never came; the end of what came:\n{self.said[-2000:]}"
            assert self.process.poll() is None, f"QEMU ended:\n{self.said[-2000:]}"
            self.listen(0.5)

    def type(self, text: str) -> None:
        self.serial.sendall(text.encode())

    def ask_agent(self, command: str, **arguments: object) -> Any:
        with socket.socket(socket.AF_UNIX) as agent:
            agent.settimeout(20)
            agent.connect(str(self.folder / "agent.sock"))
            agent.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
            return json.loads(agent.makefile().readline())["return"]

    def run(self, command: Sequence[str], *, timeout_s: float) -> GuestAnswer:
        """By the agent, as root, as the portal does it in a class."""
        options = {"path": command[0], "arg": list(command[1:]), "capture-output": True}
        pid = self.ask_agent("guest-exec", **options)["pid"]
        deadline = time.monotonic() + timeout_s
        while not (status := self.ask_agent("guest-exec-status", pid=pid))["exited"]:
            if time.monotonic() > deadline:
                raise GuestSilent("the program did not end in time")
            time.sleep(0.05)
        said = "".join(base64.b64decode(status.get(name, "")).decode() for name in ("out-data", "err-data"))
        return GuestAnswer(status["exitcode"], said)

    def press_power_button(self) -> None:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.folder / "monitor.sock"))
            monitor.sendall(b"system_powerdown\n")
            deadline = time.monotonic() + 60
            while self.process.poll() is None and time.monotonic() < deadline:
                self.listen(0.2)


def connect(path: Path) -> socket.socket:
    deadline = time.monotonic() + 10
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
            return connection
        except OSError:
            connection.close()
            assert time.monotonic() < deadline, f"QEMU did not open {path.name}"
            time.sleep(0.05)


@contextmanager
def running_guest(
    disk: Path,
    folder: Path,
    *,
    memory_mib: int,
    seed: Path | None = None,
    web_port: int | None = None,
    ports: Mapping[int, int] | None = None,
) -> Iterator[Guest]:
    """A guest on an overlay of the disk, which therefore stays as it is. Killed at the end.

    With `web_port` its port 80 answers there on 127.0.0.1; `ports` says the same of others, by the guest's port.
    """
    overlay = folder / "overlay.qcow2"
    if not overlay.exists():
        backing = ["-b", disk, "-F", "qcow2", overlay, "6G"]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing], check=True)
    for name in ("serial", "agent", "monitor"):
        (folder / f"{name}.sock").unlink(missing_ok=True)
    ways = {80: web_port, **(ports or {})}
    forward = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for there, here in ways.items() if here)
    network = f"user,model=virtio-net-pci,restrict=on{forward}"
    arguments = ["-machine", "pc,accel=tcg", "-cpu", "qemu64", "-m", str(memory_mib), "-display", "none", "-vga", "std"]
    arguments += ["-drive", f"file={overlay},if=virtio", "-nic", network]
    arguments += ["-serial", f"unix:{folder}/serial.sock,server=on,wait=off"]
    arguments += ["-monitor", f"unix:{folder}/monitor.sock,server=on,wait=off", "-device", "virtio-serial"]
    arguments += ["-chardev", f"socket,id=agent,path={folder}/agent.sock,server=on,wait=off"]
    arguments += ["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"]
    arguments += ["-cdrom", str(seed)] if seed else []
    process = subprocess.Popen(["qemu-system-x86_64", *arguments])
    try:
        with connect(folder / "serial.sock") as serial:
            yield Guest(process, folder, serial)
    finally:
        process.kill()
        process.wait()
