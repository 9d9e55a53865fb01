"""`python -m portal.worker`: the worker's own process, with nothing of the pages in its memory."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from types import FrameType

import structlog
from sqlalchemy import inspect

from portal.config import read_settings
from portal.core.errors import N_, Conflict, PortalError
from portal.site import Site
from portal.wiring import build_site, sync_catalogue
from portal.worker.loop import run_worker


def main() -> int:
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    try:
        site = build_site(read_settings())
        check_tables(site)
        with site.write_sessions.begin() as db:
            sync_catalogue(site.settings, db, now=site.clock())
        run_worker(site, stop=stop)
    except PortalError as error:
        sys.stderr.write(f"The worker does not start: {error}\n")
        return 1
    return 0


def check_tables(site: Site) -> None:
    with site.sessions() as db:
        if not inspect(db.connection()).has_table("workers"):
            raise Conflict(N_("The database has no tables yet. Run “vivero migrate” first."))


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a call to a host that never answers must not keep the process: its step is run again
