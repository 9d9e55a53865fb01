"""A machine's disk: a thin overlay on the template's disk, an independent copy of it, or a copy of a seat's disk."""

from __future__ import annotations

import os
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.vivero_caller import check_caller
from ansible.module_utils.vivero_machine import Machine, Refused
from ansible.module_utils.vivero_storage import Places, draft_of

GIB = 1024**3
QCOW2_HEADER = struct.Struct(">4sIQIIQ")
LONGEST_BACKING_NAME = 1023
QEMU_IMG_TIMEOUT_S = 3600
COPY_TIMEOUT_S = 7000


@dataclass(frozen=True)
class Qcow2:
    """What the first bytes of a qcow2 file say: quicker than asking qemu-img thirty times."""

    virtual_bytes: int
    backing: str | None


def read_qcow2(path: Path) -> Qcow2:
    with path.open("rb") as file:
        header = file.read(QCOW2_HEADER.size)
        if len(header) < QCOW2_HEADER.size:
            raise Refused(f"{path} is not a qcow2 disk")
        magic, _, offset, length, _, virtual_bytes = QCOW2_HEADER.unpack(header)
        if magic != b"QFI\xfb" or length > LONGEST_BACKING_NAME:
            raise Refused(f"{path} is not a qcow2 disk")
        file.seek(offset)
        backing = file.read(length).decode() if offset else None
    return Qcow2(virtual_bytes, backing)


def find_template(machine: Machine, storage: Path) -> Path:
    disk = storage / machine.template_disk
    if not disk.is_file():
        raise Refused(f"the template's disk {machine.template_disk} is not on this host's storage")
    if not disk.resolve().is_relative_to(storage.resolve()):
        raise Refused(f"the template's disk {machine.template_disk} leads out of the storage folder")
    return disk


def make_disk(machine: Machine, places: Places) -> bool:
    """Whether it had to be made. A disk under its final name is always whole: it gets it by a rename."""
    if machine.copied:
        if not places.disk.exists():
            raise Refused("the copy of the seat's disk is not there")
        check_stands_alone(places.disk)
        return False
    template = find_template(machine, places.storage)
    backing = str(template) if machine.linked else None
    if places.disk.exists():
        if read_qcow2(places.disk).backing != backing:
            raise Refused("there is a disk of another template in its place; retire the machine first")
        return False
    draft = draft_of(places.disk)
    draft.unlink(missing_ok=True)
    size = max(read_qcow2(template).virtual_bytes, machine.disk_gib * GIB)
    if machine.linked:
        run("qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(template), str(draft), str(size))
    else:
        run("qemu-img", "convert", "-q", "-O", "qcow2", str(template), str(draft))
        run("qemu-img", "resize", "-q", "-f", "qcow2", str(draft), str(size))
    draft.chmod(0o600)
    draft.rename(places.disk)
    return True


def copy_disk(source: Path, target: Path, disk_gib: int) -> None:
    """All that is on `source` and on what it stands on, as a disk of its own that is at least so large."""
    draft = draft_of(target)
    draft.unlink(missing_ok=True)
    run("qemu-img", "convert", "-q", "-O", "qcow2", str(source), str(draft), timeout_s=COPY_TIMEOUT_S)
    size = max(read_qcow2(draft).virtual_bytes, disk_gib * GIB)
    run("qemu-img", "resize", "-q", "-f", "qcow2", str(draft), str(size))
    draft.chmod(0o600)
    write_through(draft)  # its source may be deleted as soon as this one has its name
    draft.rename(target)
    write_through(target.parent)


def write_through(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_stands_alone(disk: Path) -> None:
    if read_qcow2(disk).backing is not None:
        raise Refused("there is a disk of another template in its place; retire the machine first")


def run(*command: str, timeout_s: float = QEMU_IMG_TIMEOUT_S) -> None:
    """Run a tool to its end; it is stopped when nobody waits for us any more."""
    deadline = time.monotonic() + timeout_s
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as tool:
        try:
            while (errors := wait_a_moment(tool)) is None:
                check_caller()
                if time.monotonic() > deadline:
                    raise Refused(f"{command[0]} did not end in {timeout_s:.0f} seconds")
        finally:
            tool.kill()
    if tool.returncode != 0:
        raise Refused(f"{command[0]}: {' '.join(errors.split())[-300:]}")


def wait_a_moment(tool: subprocess.Popen[bytes]) -> str | None:
    try:
        return tool.communicate(timeout=1.0)[1].decode(errors="replace")
    except subprocess.TimeoutExpired:
        return None


def cache_mode(disk: Path) -> str:
    """Live moves want `none`; a file system without direct access (tmpfs) cannot do it."""
    try:
        descriptor = os.open(disk, os.O_RDONLY | os.O_DIRECT)
    except OSError:
        return "writeback"
    os.close(descriptor)
    return "none"
