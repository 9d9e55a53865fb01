"""`vivero worker`: carries approved requests to running machines, until it is stopped."""

from __future__ import annotations

import os
import sys


def worker() -> None:
    """Run the worker: workflows, mails, leases, the state of hosts. Ctrl-C or SIGTERM stops it within ten seconds.

    On SQLite exactly one worker may run; on PostgreSQL as many as you like, on as many machines.
    """
    # becomes that program, so that the other commands' modules are not in its memory
    os.execv(sys.executable, [sys.executable, "-m", "portal.worker"])  # noqa: S606 - our own interpreter, no shell
