"""`vivero worker`: carries approved requests to running machines, until it is stopped."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

import structlog
import typer

from portal.config import read_settings
from portal.core.errors import PortalError
from portal.wiring import build_site, sync_catalogue
from portal.worker import run_worker


def worker() -> None:
    """Run the worker: workflows, mails, leases, the state of hosts. Ctrl-C or SIGTERM stops it within ten seconds.

    On SQLite exactly one worker may run; on PostgreSQL as many as you like, on as many machines.
    """
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    try:
        site = build_site(read_settings())
        with site.write_sessions.begin() as db:
            sync_catalogue(site.settings, db, now=site.clock())
        run_worker(site, stop=stop)
    except PortalError as error:
        typer.echo(f"The worker does not start: {error}", err=True)
        raise typer.Exit(1) from error
