"""Brings the demo up, says what to try, and takes everything down again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from portal.config import ROOT
from portal.core.errors import N_, OutsideUnavailable
from portal.demo.api import Api, wait_for
from portal.demo.cluster import Cluster, Ground, RealCluster, Simulator
from portal.demo.processes import Children
from portal.demo.steps import Steps

VIVERO = (sys.executable, "-m", "portal.cli")
Accounts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Plan:
    """What kind of demo, and where it keeps its files."""

    var: Path
    simulator: bool = False
    port: int = 8080

    @property
    def home(self) -> Path:
        """Everything that each start begins anew."""
        return self.var / "demo"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Stopped(Exception):  # noqa: N818 - a wish, not a mistake
    """Somebody asked the demo to end."""


def stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stopped


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    plan: Plan
    accounts: Accounts
    children: Children

    def check_children(self) -> None:
        """Raise OutsideUnavailable with its last words when the server or the worker has ended by itself."""
        raise_if_ended(self.children)


@contextmanager
def running_demo(plan: Plan) -> Iterator[Demo]:
    """The whole demo; leaving the block ends it, however the block is left."""
    plan = replace(plan, port=free_port(plan.port))
    cluster: Cluster = Simulator(plan.var) if plan.simulator else RealCluster(plan.var / "minicluster")
    children = Children(plan.home / "logs", {})
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a shell's background job ignores it
        signal.signal(number, stop)
    try:
        yield Demo(plan, bring_up(plan, cluster, children), children)
    finally:
        # a second Ctrl-C must not leave half of it behind
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        children.stop(say=tell)
        cluster.down()
        (plan.var / "demo.json").unlink(missing_ok=True)


def bring_up(plan: Plan, cluster: Cluster, children: Children) -> Accounts:
    steps = Steps(total=4 if plan.simulator else 5)
    shutil.rmtree(plan.home, ignore_errors=True)
    plan.home.mkdir(parents=True, mode=0o700)
    with steps.step("Bringing up the hypervisor hosts"):
        ground = cluster.up(lambda text: None if steps.live else tell(f"      {text}"))
    children.environ.update(environ_of(plan, ground))
    if not plan.simulator:
        with steps.step("Building the template micro-linux (only the first time)"):
            command(children.environ, "template", "build", "micro-linux", "--if-changed")
    with steps.step("Migrating the database; seeding departments, accounts, quotas, catalogue"):
        command(children.environ, "migrate")
        hosts = json.dumps([vars(host) for host in ground.hosts])
        accounts: Accounts = json.loads(command(children.environ, "account", "seed-demo", "--hosts", hosts))
    with steps.step("Starting server and worker"):
        children.start("server", [*VIVERO, "server", "--host", "127.0.0.1", "--port", str(plan.port)])
        children.start("worker", [*VIVERO, "worker"])
        wait_for(lambda: serves(plan.url, children), seconds=60, what="the server's first answer", every_s=0.1)
        admin = Api(plan.url, accounts["admin"]["token"])
        wait_for(lambda: knows_hosts(admin), seconds=60, what="the worker's first look at the hosts", every_s=0.3)
    with steps.step("Writing var/demo.json"):
        write_accounts(plan, accounts)
    return accounts


def environ_of(plan: Plan, ground: Ground) -> dict[str, str]:
    return {
        "VIVERO_VAR": str(plan.home),
        "VIVERO_BASE_URL": plan.url,
        "VIVERO_MAILER": "page",
        "PYTHONPATH": str(ROOT),
        **ground.environ,
    }


def command(environ: Mapping[str, str], *words: str) -> str:
    """Output of one `vivero` command. Its own error message is the demo's."""
    done = subprocess.run([*VIVERO, *words], env=dict(environ), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise OutsideUnavailable(N_("“vivero %(words)s” failed: %(said)s"), words=" ".join(words[:2]), said=said)
    return done.stdout


def serves(url: str, children: Children) -> bool:
    raise_if_ended(children)
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:  # noqa: S310 - our own http address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def knows_hosts(admin: Api) -> bool:
    """Before it has seen what the hosts can carry, the portal approves nothing."""
    return all(host["seen_at"] for host in admin.call("GET", "/hosts")["items"])


def raise_if_ended(children: Children) -> None:
    ended = children.ended()
    if ended:
        raise OutsideUnavailable(N_("The %(name)s ended: %(said)s"), name=ended, said=children.tail(ended))


def free_port(wished: int) -> int:
    """The wished port, or a free one when it is taken or 0."""
    for port in (wished, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OutsideUnavailable(N_("There is no free port on this machine."))


def write_accounts(plan: Plan, accounts: Accounts) -> None:
    """var/demo.json holds passwords: only its owner may read it."""
    file = plan.var / "demo.json"
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as out:
        json.dump({"url": plan.url, "accounts": accounts}, out, indent=2)


def tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
