"""Where a machine's files lie, how they are replaced whole, and the fence that keeps a late worker out."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from ansible.module_utils.vivero_machine import Refused

SOCKETS = Path("/run/vivero")
LOCK_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Places:
    """All paths of one machine. `storage` is the cabinet, the same folder on every host."""

    storage: Path
    vm_id: UUID
    sockets_root: Path = SOCKETS

    @property
    def folder(self) -> Path:
        return self.storage / "vms" / str(self.vm_id)

    @property
    def disk(self) -> Path:
        return self.folder / "disk.qcow2"

    @property
    def seed(self) -> Path:
        return self.folder / "seed.iso"

    @property
    def floppy(self) -> Path:
        return self.folder / "seed.flp"

    @property
    def serial_log(self) -> Path:
        return self.folder / "serial.log"

    @property
    def nvram(self) -> Path:
        return self.folder / "nvram.fd"

    @property
    def dhcp(self) -> Path:
        return self.storage / "dhcp" / str(self.vm_id)

    @property
    def sockets(self) -> Path:
        return self.sockets_root / str(self.vm_id)


def draft_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def write_whole(path: Path, content: str, *, mode: int) -> bool:
    """Replace the file in one move unless it says the same already; whether it changed."""
    if path.is_file() and not path.is_symlink() and path.read_text() == content:
        return False
    draft = draft_of(path)
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    draft.rename(path)
    return True


def make_folder(path: Path, *, mode: int) -> None:
    """A real folder: a link in its place could lead anywhere."""
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    if path.is_symlink():
        raise Refused(f"{path} is a link, not a folder")


def remove_tree(path: Path) -> bool:
    """Remove a folder and what is in it; links are removed, never followed. Whether there was anything."""
    if path.is_symlink():
        path.unlink()
        return True
    if not path.exists():
        return False
    shutil.rmtree(path)
    return True


@contextmanager
def fenced(folder: Path, token: int | None) -> Iterator[None]:
    """Hold the machine's folder for ourselves. Raise Refused if a later worker has been here.

    The number in `.fence` only grows; a worker that was paused and has been replaced meanwhile comes with a lower one.
    """
    descriptor = os.open(folder / ".fence", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        lock(file.fileno())
        newest = int(file.read().strip() or 0)
        if token is not None and newest > token:
            raise Refused("another worker has taken over this machine")
        if token is not None and newest < token:
            file.seek(0)
            file.truncate()
            file.write(f"{token}\n")
            file.flush()
        yield


def lock(descriptor: int) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Refused("another worker is busy with this machine") from None
            time.sleep(0.05)


def token_of(fencing: dict[str, object], vm_id: UUID) -> int | None:
    """The fencing number that came with the run: {vm_id: {"token": number}}."""
    entry = fencing.get(str(vm_id))
    number = entry.get("token") if isinstance(entry, dict) else entry
    if number is None:
        return None
    if not isinstance(number, int) or number < 0:
        raise Refused("the fencing number is not a number")
    return number
