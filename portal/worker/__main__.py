"""`python -m portal.worker`: the worker's own process, with nothing of the pages in its memory."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from types import FrameType

from portal.config import BadSetting, read_settings
from portal.core.errors import PortalError
from portal.logs import set_up_logging
from portal.memory import share_pools
from portal.wiring import build_site, check_tables, close_site, sync_catalogue
from portal.worker.loop import run_worker


def main() -> int:
    share_pools()
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    set_up_logging(sys.stderr, libraries=logging.WARNING)
    try:
        site = build_site(read_settings())
        check_tables(site)
        with site.write_sessions.begin() as db:
            sync_catalogue(site.settings, db, now=site.clock())
        run_worker(site, stop=stop)
        close_site(site)
    except (PortalError, BadSetting) as error:
        sys.stderr.write(f"The worker does not start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a call to a host that never answers must not keep the process: its step is run again
