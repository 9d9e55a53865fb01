"""The private folders of playbook runs, in memory; what dead processes left of theirs is ended and removed."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - secrets and events stay off the disk; each process has its own folder of mode 0700
PREFIX = "vivero-runs-"
LOCK = "lock"
UNLOCKED_S = 600  # a folder without a lock is being made, unless it is as old as this


class RunFolders:
    """One folder of this process, locked as long as it lives, with one folder a run inside. At the latest at our end
    it is removed, and what still runs for it is ended: kept SSH connections too, which name their socket.

    Variables hold secrets in plain text: a process that was killed must not leave them lying about.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or (MEMORY if MEMORY.is_dir() else Path(tempfile.gettempdir()))
        remove_dead(self.root)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self.root))
        descriptor = hold(self.folder)
        self.close: Callable[[], object] = weakref.finalize(self, let_go, self.folder, descriptor)

    @contextmanager
    def new(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="run-", dir=self.folder) as folder:
            yield Path(folder)


def hold(folder: Path) -> int:
    """The lock falls with our process, whatever ends it."""
    draft = folder / f"{LOCK}.new"
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    draft.rename(folder / LOCK)
    return descriptor


def let_go(folder: Path, descriptor: int) -> None:
    end_processes(folder)
    shutil.rmtree(folder, ignore_errors=True)
    os.close(descriptor)


def remove_dead(root: Path) -> None:
    """Our own user's folders that no living process holds."""
    for folder in root.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another process of ours removes it in this moment
            if folder.lstat().st_uid == os.geteuid() and is_dead(folder):
                end_processes(folder)
                shutil.rmtree(folder, ignore_errors=True)


def is_dead(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return folder.lstat().st_mtime < time.time() - UNLOCKED_S
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def end_processes(folder: Path) -> None:
    """Ask those to end that name this folder in their command: Ansible's program and its branches, and SSH."""
    wanted = f"{folder}/".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended by itself
            if wanted in (process / "cmdline").read_bytes() and int(process.name) != os.getpid():
                os.kill(int(process.name), signal.SIGTERM)
