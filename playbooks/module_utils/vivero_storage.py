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
FENCE_KEPT_S = 7 * 24 * 3600
RETIRED = "retired"
BUSY = "another worker is busy with this machine"  # portal/interfaces.py knows these words


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
    def fence(self) -> Path:
        """Not in the machine's folder: it outlives it, or a late worker would find no fence at all."""
        return self.storage / "fences" / str(self.vm_id)

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
def fenced(fence: Path, token: int | None, *, retiring: bool = False) -> Iterator[None]:
    """Hold the machine for ourselves. Raise Refused if a later worker has been here, or it was taken away meanwhile.

    The number in the fence only grows; a worker that was paused and has been replaced comes with a lower one.
    Who takes a machine away says so beside the number: the rest of a cancelled run has that same number and must make
    nothing more.
    """
    make_folder(fence.parent, mode=0o755)
    descriptor = os.open(fence, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        lock(file.fileno())
        found = file.read()
        words = found.split()
        newest = int(words[0]) if words else 0
        if token is not None and newest > token:
            raise Refused("another worker has taken over this machine")
        if token is not None and newest == token and RETIRED in words and not retiring:
            raise Refused("this machine was taken away meanwhile")
        wanted = f"{token} {RETIRED}\n" if retiring else f"{token}\n"
        if token is not None and found != wanted:
            file.seek(0)
            file.truncate()
            file.write(wanted)
            file.flush()
        yield


def forget_fences(storage: Path, now: float) -> None:
    """Remove the fences of machines and seats that went away long ago: no worker is that late."""
    for fence in (storage / "fences").glob("*-*"):
        gone = not any((storage / kind / fence.name).exists() for kind in ("vms", "seats"))
        if gone and fence.lstat().st_mtime < now - FENCE_KEPT_S:
            fence.unlink(missing_ok=True)


def lock(descriptor: int) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Refused(BUSY) from None
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
