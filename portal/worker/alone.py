"""On SQLite exactly one worker may run: a lock on a file beside the database, which falls with its process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from portal.core.errors import N_, Conflict


@contextmanager
def alone_on_sqlite(database_url: str) -> Iterator[bool]:
    """True when we hold the lock, and so know that no other worker lives; False on PostgreSQL, where many may.

    SQLite cannot keep several workers from taking the same work, so a second one refuses to start.
    """
    if not database_url.startswith("sqlite"):
        yield False
        return
    path = Path(f"{make_url(database_url).database}.worker-lock")
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise Conflict(
                N_(
                    "Another worker (process %(pid)s) already runs on this SQLite database, which can only have one. "
                    "For several workers use PostgreSQL: set VIVERO_DATABASE_URL=postgresql://user@host/vivero."
                ),
                pid=lock.read(20).strip() or "?",
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield True
