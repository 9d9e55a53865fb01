"""The raw limit: a bare libvirt script on each host, all hosts at the same time."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.bench.ground import Ground
from portal.config import ROOT
from portal.core.errors import N_, OutsideUnavailable
from portal.interfaces import HostAddress

PREFIX = "bench-"
SCRIPT = Path(__file__).with_name("raw_on_host.py")
DEFINITION = ROOT / "playbooks" / "bench" / "templates" / "plain_machine.xml.j2"
MEMORY_MIB = 128
PATIENCE_S = 600


@dataclass(frozen=True)
class Placed:
    """A machine of the bench and the host that gets it."""

    name: str
    host: HostAddress


def spread(hosts: Sequence[HostAddress], count: int) -> list[Placed]:
    return [Placed(f"{PREFIX}{number:02}", hosts[number % len(hosts)]) for number in range(count)]


def seconds_of_raw(ground: Ground, count: int, threads: int, *, together: bool = False) -> float:
    """From the start of the script on all hosts to the last machine's running.

    `together`: each host starts all of its machines paused and then lets them run, so that none boots meanwhile.
    """
    placed = spread(ground.inventory.hosts, count)
    what = {
        "action": "make",
        "threads": threads,
        "together": together,
        "template": ground.template_disk,
        "definition": definition(ground),
    }
    orders = {
        host.name: {**what, "machines": [one.name for one in placed if one.host == host]}
        for host in dict.fromkeys(one.host for one in placed)
    }
    begun = time.monotonic()
    answers = on_hosts(ground, orders)
    seconds = time.monotonic() - begun
    check_running(answers, count)
    return seconds


def definition(ground: Ground) -> str:
    """The same as the plain playbook's; the script on the host fills in the rest."""
    text = DEFINITION.read_text()
    for name, value in {"accelerator": ground.accelerator, "memory_mib": str(MEMORY_MIB)}.items():
        text = text.replace(f"{{{{ {name} }}}}", value)
    return text


def check_running(answers: Sequence[dict[str, Any]], count: int) -> None:
    running = [name for answer in answers for name in answer["running"] if name.startswith(PREFIX)]
    if len(running) != count:
        raise OutsideUnavailable(
            N_("Only %(running)s of %(count)s machines of the bench run."), running=len(running), count=count
        )


def remove_all(ground: Ground) -> None:
    """Machines of raw limit and plain playbook alike."""
    order = {"action": "remove", "prefix": PREFIX}
    on_hosts(ground, {host.name: order for host in ground.inventory.hosts})


def warm_up(ground: Ground) -> None:
    """Open the connections that everybody uses, so that nobody pays for them."""
    remove_all(ground)


def on_hosts(ground: Ground, orders: dict[str, dict[str, Any]], *, script: Path = SCRIPT) -> list[dict[str, Any]]:
    """Run the script with these orders, on all their hosts at once."""
    hosts = {host.name: host for host in ground.inventory.hosts}
    with ThreadPoolExecutor(len(orders)) as threads:
        return list(threads.map(lambda name: on_host(ground, hosts[name], orders[name], script), orders))


def on_host(ground: Ground, host: HostAddress, order: dict[str, Any], script: Path) -> dict[str, Any]:
    command = f"/usr/bin/python3 -I - {shlex.quote(json.dumps({**order, 'folder': ground.folder}))}"
    with script.open() as text:
        done = subprocess.run(
            [*ssh_command(ground, host), command],
            stdin=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    if done.returncode != 0:
        raise OutsideUnavailable(
            N_("The script on %(host)s failed: %(said)s"), host=host.name, said=done.stderr.strip()[-500:]
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def ssh_command(ground: Ground, host: HostAddress) -> list[str]:
    way = ground.ssh
    control = way.control_path.replace("%%", "%")
    options = ["-o", f"ControlPath={control}", "-i", str(way.key), "-p", str(host.port), "-o", "LogLevel=ERROR"]
    return ["ssh", *way.arguments(), *options, f"{host.user}@{host.address}"]


def end_connections(ground: Ground) -> None:
    for host in ground.inventory.hosts:
        command = [*ssh_command(ground, host)[:-1], "-O", "exit", f"{host.user}@{host.address}"]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, env=dict(os.environ))
