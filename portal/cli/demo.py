"""`vivero demo`: what bin/demo runs once this machine is ready."""

from __future__ import annotations

import fcntl
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from portal.config import ROOT
from portal.core.errors import N_, Conflict, PortalError
from portal.demo.api import ApiTrouble
from portal.demo.check import check_road
from portal.demo.run import Demo, Plan, Stopped, running_demo, tell

ROLES = ("requester", "requester2", "approver", "teacher", "student", "admin", "auditor")


def demo(
    check: Annotated[bool, typer.Option(help="Carry one order to a running machine and back, then exit.")] = False,
    simulator: Annotated[bool, typer.Option(help="Simulated hosts: no root, no hypervisor.")] = False,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; another one is taken when it is in use.")] = 8080,
    var: Annotated[Path, typer.Option(help="Where the demo keeps its files.")] = ROOT / "var",
) -> None:
    """Bring up a whole hospital on this machine: hosts, portal, worker, one account per role. Ctrl-C ends it."""
    plan = Plan(var=var.resolve(), simulator=simulator, port=port)
    try:
        with alone(plan.var), running_demo(plan) as running:
            if check:
                check_road(
                    running.plan.url, running.accounts, say=lambda text: tell(f"  ✓ {text}"), probe=not simulator
                )
                tell("The whole road works.")
            else:
                welcome(running)
                stay(running)
    except (Stopped, KeyboardInterrupt):
        tell("\nEverything is ended; nothing is left.")
    except (PortalError, ApiTrouble) as trouble:
        typer.echo(f"The demo stopped: {trouble}", err=True)
        raise typer.Exit(1) from trouble


@contextmanager
def alone(var: Path) -> Iterator[None]:
    """One demo per folder; the lock falls with its process."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(N_("A demo runs already: its address stands in var/demo.json.")) from error
        yield


def tick_off(text: str) -> None:
    tell(f"  ✓ {text}")


def welcome(running: Demo) -> None:
    tell(f"\n  Vivero runs at  {running.plan.url}\n")
    tell(f"  {'role':<12} {'user':<14} password")
    for role in ROLES:
        tell(f"  {role:<12} {running.accounts[role]['user']:<14} {running.accounts[role]['password']}")
    tell(
        "\n  Try first: log in as requester, choose micro-linux in the catalogue and order it. Log in as approver in"
        "\n  another browser (or a private window), approve, and watch the machine grow. Open its console."
        f"\n  The same for scripts: {running.plan.var / 'demo.json'} (with API tokens). Ctrl-C ends everything.\n"
    )


def stay(running: Demo) -> None:
    """Until somebody stops the demo, or one of its own processes ends, which is a failure to tell."""
    for _second in itertools.count():
        running.check_children()
        time.sleep(1)
