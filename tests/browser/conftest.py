"""The demo itself under a real browser: three hosts, server, worker, and Chromium."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from portal.config import ROOT

START_S = 300


@dataclass(frozen=True)
class RunningDemo:
    url: str
    accounts: dict[str, dict[str, str]]
    var: Path


def start_demo(var: Path, *words: str) -> tuple[subprocess.Popen[bytes], RunningDemo]:
    """Start the demo and wait for its var/demo.json; its own last words fail the test if it ends before."""
    file, log = var / "demo.json", var / "demo.log"
    var.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "portal.cli", "demo", "--var", str(var), "--port", "0", *words]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + START_S
    while not file.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    read = json.loads(file.read_text())
    return process, RunningDemo(read["url"], read["accounts"], var)


def stop_demo(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


@pytest.fixture(scope="session")
def demo() -> Iterator[RunningDemo]:
    """The real demo, once for all browser tests; its built micro-linux is kept for the next run."""
    if os.geteuid() != 0:
        pytest.skip("the demo's hosts need root")
    process, running = start_demo(ROOT / "var" / "tests")
    yield running
    stop_demo(process)


LogIn = Callable[..., Page]


@pytest.fixture
def log_in(chromium: Browser, demo: RunningDemo) -> Iterator[LogIn]:
    """log_in(role, locale=...) gives a page of a browser of its own, logged in as that role."""
    contexts: list[BrowserContext] = []

    def log_in(role: str, *, locale: str = "es-ES", **options: Any) -> Page:
        context = chromium.new_context(locale=locale, base_url=demo.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto("/login")
        account = demo.accounts[role]
        page.locator("input[name=login]").fill(account["user"])
        page.locator("input[name=password]").fill(account["password"])
        page.locator("main form button[type=submit], form.login button[type=submit]").first.click()
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    yield log_in
    for context in contexts:
        context.close()
