"""Log lines: one each, the event first."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from portal.logs import set_up_logging


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    set_up_logging(stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = before


def test_the_event_comes_first(log: io.StringIO) -> None:
    structlog.get_logger("portal").info("job claimed", id=12, playbook="clone_vms")
    assert log.getvalue().startswith("job claimed id=12 playbook=clone_vms level=info at=")


def test_libraries_write_the_same_lines(log: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("too many of %s", "them")
    assert log.getvalue().startswith("too many of them level=warning at=")


def test_nobody_writes_lines_of_their_own(log: io.StringIO) -> None:
    structlog.get_logger("portal").info("answered", path="/a\nlogged in login=eve")
    assert log.getvalue().count("\n") == 1


def test_a_surprise_keeps_its_traceback(log: io.StringIO) -> None:
    try:
        raise ValueError("no such thing")
    except ValueError:
        structlog.get_logger("portal").exception("surprise", path="/vms")
    assert "surprise path=/vms level=error" in log.getvalue()
    assert log.getvalue().rstrip().endswith("ValueError: no such thing")


def test_a_traceback_tells_no_values(log: io.StringIO) -> None:
    password = "pino-y-romero"
    try:
        int("x" + password[:0])
    except ValueError:
        structlog.get_logger("portal").exception("surprise")
    assert password not in log.getvalue()
