"""Waits until seats really serve. A restored guest prints nothing and boots nothing: its agent is asked."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

from portal.core.errors import PortalError
from portal.core.templates import Ready, ReadyBy
from portal.interfaces import HostAddress, Power
from portal.services.seat_designs import SeatDesign, door_name, ready_port
from portal.workflows.readiness import AT_ONCE, Patience, ask
from portal.workflows.seat_runs import SeatWork
from portal.workflows.sequence import Context

READY_LINE = "^vivero ready"
WARM_WITHIN_S = 60.0


@dataclass(frozen=True)
class Guest:
    """A machine of a seat that does not serve yet. `agent`: it has the devices that an agent needs."""

    seat_id: UUID
    vm_id: UUID
    host: HostAddress
    ready: Ready
    agent: bool
    door: str | None
    warm: bool


@dataclass(frozen=True)
class Round:
    """What one round of asking found: who does not serve yet, and what runs on each host that answered."""

    waiting: Sequence[Guest]
    running: Mapping[HostAddress, frozenset[UUID]]


def guests_of(design: SeatDesign, works: Iterable[SeatWork]) -> list[Guest]:
    guests = []
    for work in works:
        for part, machine in zip(design.parts, work.order.machines, strict=True):
            port = ready_port(part)
            guests.append(
                Guest(
                    seat_id=work.order.seat_id,
                    vm_id=machine.vm_id,
                    host=work.host,
                    ready=part.spec.ready,
                    agent="virtio" in (machine.hardware.disk_bus, machine.hardware.nic_model),
                    door=door_name(part.machine.name, port) if port else None,
                    warm=work.order.image is not None,
                )
            )
    return guests


def wait_for_seats(
    ctx: Context,
    guests: Sequence[Guest],
    *,
    within_s: float,
    served: Callable[[set[UUID]], None] = lambda ready: None,
    watch: Callable[[Round], None] | None = None,
) -> set[UUID]:
    """The seats all of whose machines serve within the time. `served` is told as it grows.

    For who watches, hosts are asked what runs on them at the same time as the guests: one question a host.
    """
    waiting, patience = list(guests), Patience(time.monotonic() + within_s, pause_s=0.1)
    seats = {guest.seat_id for guest in guests}
    threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="seats")
    try:
        while waiting:
            hosts = sorted({guest.host for guest in waiting}, key=lambda host: host.name) if watch else []
            everybody: list[Guest | HostAddress] = [*waiting, *hosts]
            answers = ask(ctx, threads, lambda one: answer_of(ctx, one), everybody)
            running = {
                host: seen for host, seen in zip(hosts, answers[len(waiting) :], strict=True) if seen is not None
            }
            waiting = [guest for guest, answer in zip(waiting, answers, strict=False) if not answer]
            if watch is not None:
                watch(Round(waiting, running))
            served(seats - {guest.seat_id for guest in waiting})
            if not waiting or time.monotonic() >= patience.deadline:
                break
            ctx.pause(patience.longer())
    finally:
        threads.shutdown(wait=False, cancel_futures=True)  # a silent host must not keep us
    return seats - {guest.seat_id for guest in waiting}


def answer_of(ctx: Context, asked: Guest | HostAddress) -> frozenset[UUID] | None:
    """Of a guest that serves: itself. Of a host: all that runs there; None if it does not answer."""
    if isinstance(asked, Guest):
        return frozenset({asked.vm_id}) if serves(ctx, asked) else frozenset()
    try:
        return ctx.site.hypervisor.running(asked)
    except PortalError:
        return None


def serves(ctx: Context, guest: Guest) -> bool:
    """Trouble is "not yet": the time limit decides how long that is borne."""
    site = ctx.site
    try:
        if guest.ready.by == ReadyBy.SERIAL and not guest.warm:
            said = site.hypervisor.serial_log(guest.host, guest.vm_id)
            return re.search(guest.ready.pattern or READY_LINE, said, re.MULTILINE) is not None
        if guest.ready.by == ReadyBy.TCP and guest.door is not None:
            return site.doors.probe(guest.host, guest.seat_id, guest.door)
        if guest.agent:
            return site.hypervisor.agent_answers(guest.host, guest.vm_id)
        return site.hypervisor.machine(guest.host, guest.vm_id).power == Power.RUNNING
    except PortalError:
        return False


def all_within(design: SeatDesign, *, warm: bool) -> float:
    return WARM_WITHIN_S if warm else float(design.boot_within_s)
