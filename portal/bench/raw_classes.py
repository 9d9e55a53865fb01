"""What a class is measured against: a bare script that restores the same memory, a plain playbook that boots."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

from portal.bench import plain, raw
from portal.bench.ground import Ground, wait_for
from portal.core.errors import N_, OutsideUnavailable
from portal.core.templates import Ready, ReadyBy
from portal.workflows.seat_waiting import Guest, wait_for_seats
from portal.workflows.sequence import Context

SCRIPT = raw.SCRIPT.with_name("raw_restore_on_host.py")
THREADS = 8
MARKER = "vivero ready "
PATIENCE_S = 900.0


def seconds_of_restoring(ground: Ground, count: int, image: str, machine: str) -> float:
    """From the start of the script on all hosts to the last agent's answer."""
    placed = raw.spread(ground.inventory.hosts, count)
    what = {
        "action": "make",
        "threads": THREADS,
        "image": f"{ground.inventory.storage_dir}/seat_images/{image}/{machine}",
        "memory_folder": ground.folder,  # beside the image: there the kernel copies by itself
    }
    hosts = {one.host.name: one.host for one in placed}
    orders = {name: {**what, "machines": [one.name for one in placed if one.host.name == name]} for name in hosts}
    begun = time.monotonic()
    answers = dict(zip(orders, raw.on_hosts(ground, orders, script=SCRIPT), strict=True))
    guests = [
        guest(UUID(machine_id), ground, name)
        for name, answer in answers.items()
        for domain, machine_id in answer["ids"].items()
        if domain.startswith(raw.PREFIX)
    ]
    ctx = Context(ground.site, workflow_id="bench", subject_id=uuid4(), fencing=0)
    answering = wait_for_seats(ctx, guests, within_s=PATIENCE_S)
    seconds = time.monotonic() - begun
    if len(answering) != count:
        raise OutsideUnavailable(
            N_("Only %(running)s of %(count)s machines of the bench run."), running=len(answering), count=count
        )
    return seconds


def guest(machine_id: UUID, ground: Ground, host_name: str) -> Guest:
    host = next(host for host in ground.inventory.hosts if host.name == host_name)
    return Guest(machine_id, machine_id, host, Ready(ReadyBy.AGENT, 60), agent=True, door=None, warm=True)


def remove_restored(ground: Ground) -> None:
    order = {"action": "remove", "prefix": raw.PREFIX}
    raw.on_hosts(ground, {host.name: order for host in ground.inventory.hosts}, script=SCRIPT)


def seconds_of_plain_boot(ground: Ground, count: int) -> float:
    """From the start of the plain playbook until every machine has printed that it serves."""
    begun = time.monotonic()
    plain.seconds_of_plain(ground, count)
    order = {"action": "count", "prefix": raw.PREFIX, "marker": MARKER}
    one = {ground.inventory.hosts[0].name: order}

    def all_serve() -> bool:
        """The logs lie in the cabinet, so one host sees them all."""
        return int(raw.on_hosts(ground, one)[0]["done"]) == count

    wait_for(all_serve, seconds=PATIENCE_S, what="booting", every_s=0.5)
    return time.monotonic() - begun
