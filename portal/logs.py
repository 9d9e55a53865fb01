"""How processes log: one line each, event first, then what it is about. No secrets."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

QUIET = ("asyncssh", "sqlalchemy", "uvicorn.access", "websockets")
Event = MutableMapping[str, Any]


def set_up_logging(stream: TextIO, *, libraries: int = logging.INFO) -> None:
    """Send what this process says, and its libraries from this level on, to `stream`; called once by an entry point.

    Tracebacks come without the values of variables, which may be secrets.
    """
    shared: list[Any] = [structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                one_line,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=libraries, force=True)
    logging.getLogger("portal").setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def one_line(_logger: object, _name: str, event: Event) -> str:
    """`console not reached vm_id=… host=hv1 level=warning at=…`; a traceback follows on lines of its own."""
    words = [clean(event.pop("event", ""))]
    trace = event.pop("exception", "")
    level, at = event.pop("level", ""), event.pop("timestamp", "")
    words += [f"{key}={quoted(value)}" for key, value in event.items()]
    line = " ".join([*words, f"level={level}", f"at={at}"])
    return f"{line}\n{trace}" if trace else line


def clean(text: object) -> str:
    """Nobody writes lines of their own into the log."""
    return str(text).replace("\n", "\\n").replace("\r", "\\r")


def quoted(value: object) -> str:
    text = clean(value)
    return '"' + text.replace('"', "'") + '"' if " " in text or not text else text
