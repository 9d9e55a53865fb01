"""Waits until machines really serve: by their agent, a TCP port or a line on the serial console, never by "running"."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from portal.core.errors import N_, OutsideUnavailable, PlaybookFailed, PortalError
from portal.core.lifecycle import VmState
from portal.core.templates import Ready, ReadyBy
from portal.interfaces import HostAddress, Power
from portal.models import Vm
from portal.workflows.sequence import LOOK_EVERY_S, Context, vms_of

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
AT_ONCE = 8  # machines that are asked at the same time
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.3, 2.0
LOOK_AT_POWER_EVERY_S = 5.0
SETTING_UP = re.compile(r"^vivero (preparing|failed|ready) ", re.MULTILINE)


@dataclass(frozen=True)
class Waiting:
    """A machine that does not serve yet."""

    vm_id: UUID
    name: str
    host: HostAddress
    address: str | None


@dataclass
class Patience:
    """When to give up, how long to pause, and when the power was last looked at."""

    deadline: float
    pause_s: float = FIRST_PAUSE_S
    looked_at: float = 0.0

    def longer(self) -> float:
        pause_s, self.pause_s = self.pause_s, min(self.pause_s * 1.3, LONGEST_PAUSE_S)
        return pause_s

    def look_at_power(self) -> bool:
        if time.monotonic() - self.looked_at < LOOK_AT_POWER_EVERY_S:
            return False
        self.looked_at = time.monotonic()
        return True


def wait_until_ready(ctx: Context, ready: Ready) -> None:
    """Poll all machines together; each becomes `running` in the portal as soon as it serves."""
    waiting = still_waiting(ctx)
    patience = Patience(time.monotonic() + ready.timeout_s)
    threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ready")
    try:
        while waiting:
            answers = ask(ctx, threads, lambda machine: is_ready(ctx, machine, ready), waiting)
            note_ready(ctx, [machine for machine, answer in zip(waiting, answers, strict=True) if answer])
            waiting = [machine for machine, answer in zip(waiting, answers, strict=True) if not answer]
            if waiting and time.monotonic() >= patience.deadline:
                give_up(ctx, waiting, N_("It did not answer in time."))
            if waiting and patience.look_at_power():
                stopped = stopped_of(ctx, threads, waiting)
                if stopped:
                    give_up(ctx, stopped, N_("It stopped while it was starting."))
                said = ask(ctx, threads, lambda machine: said_it_failed(ctx, machine), waiting)
                if unfit := [machine for machine, failed in zip(waiting, said, strict=True) if failed]:
                    give_up(ctx, unfit, N_("It could not be set up as ordered. Its console says what failed."))
            if waiting:
                ctx.pause(patience.longer())
    finally:
        threads.shutdown(wait=False, cancel_futures=True)  # a silent host must not keep us


def ask(ctx: Context, threads: Executor, question: Callable[[Asked], Answer], of: Sequence[Asked]) -> list[Answer]:
    """All answers, in order. While a silent host is asked, we still hear when the step should end."""
    asked = [threads.submit(question, one) for one in of]
    open_ones = set(asked)
    while open_ones:
        ctx.check()
        open_ones = wait(open_ones, timeout=LOOK_EVERY_S).not_done
    return [one.result() for one in asked]


def still_waiting(ctx: Context) -> list[Waiting]:
    with ctx.site.sessions() as db:
        return [
            Waiting(vm.id, vm.name, vm.host.reached_at, vm.address)
            for vm in vms_of(db, ctx.subject_id)
            if vm.host is not None and vm.state in (VmState.CLONING, VmState.ERROR)
        ]


def is_ready(ctx: Context, machine: Waiting, ready: Ready) -> bool:
    """A host that does not answer is not ready either; the time limit decides how long that is borne."""
    try:
        if ready.by == ReadyBy.AGENT:
            return ctx.site.hypervisor.agent_answers(machine.host, machine.vm_id)
        if ready.by == ReadyBy.TCP:
            if machine.address is None:
                return ctx.site.hypervisor.agent_answers(machine.host, machine.vm_id)
            return ctx.site.reachability.tcp_open(machine.address, ready.port or 22)
        said = ctx.site.hypervisor.serial_log(machine.host, machine.vm_id)
        return re.search(ready.pattern or "^vivero ready", said, re.MULTILINE) is not None
    except OutsideUnavailable:
        return False


def said_it_failed(ctx: Context, machine: Waiting) -> bool:
    """What our own Linux templates print when a first-boot script failed (docs/seed.md); the last such line counts."""
    try:
        said = ctx.site.hypervisor.serial_log(machine.host, machine.vm_id)
    except PortalError:
        return False
    told = SETTING_UP.findall(said)
    return bool(told) and told[-1] == "failed"


def stopped_of(ctx: Context, threads: Executor, waiting: Sequence[Waiting]) -> list[Waiting]:
    """Those that are off or gone. Each host is asked once; one that does not answer says nothing of its machines."""
    hosts = sorted({machine.host for machine in waiting}, key=lambda host: host.name)
    answers = ask(ctx, threads, lambda host: living_on(ctx, host), hosts)
    living = {host: answer for host, answer in zip(hosts, answers, strict=True) if answer is not None}
    return [machine for machine in waiting if machine.host in living and machine.vm_id not in living[machine.host]]


def living_on(ctx: Context, host: HostAddress) -> set[UUID] | None:
    try:
        seen = ctx.site.hypervisor.machines(host)
    except OutsideUnavailable:
        return None
    return {machine.vm_id for machine in seen if machine.power not in (Power.OFF, Power.CRASHED)}


def note_ready(ctx: Context, ready: Sequence[Waiting]) -> None:
    if not ready:
        return
    ids = {machine.vm_id for machine in ready}
    with ctx.write() as db:
        vms = vms_of(db, ctx.subject_id)
        now = ctx.site.clock()
        for vm in vms:
            if vm.id in ids and vm.state != VmState.RUNNING:
                vm.move_to(VmState.RUNNING)
                vm.ready_at = now
        ctx.report(db, sum(vm.state == VmState.RUNNING for vm in vms))


def give_up(ctx: Context, machines: Sequence[Waiting], reason: str) -> None:
    """Mark these machines with the reason, a msgid, and end the step with a sentence about them."""
    ids = {machine.vm_id for machine in machines}
    with ctx.write() as db:
        vms = vms_of(db, ctx.subject_id)
        for vm in vms:
            if vm.id in ids:
                mark_error(vm, reason)
    raise PlaybookFailed(
        N_(
            "%(failed)s of %(total)s machines did not become ready (%(names)s). Look at their consoles, then try again."
        ),
        failed=len(machines),
        total=len(vms),
        names=", ".join(machine.name for machine in machines[:5]),
    )


def mark_error(vm: Vm, reason: str, params: Mapping[str, Any] | None = None) -> None:
    """`reason` is a msgid filled by `params`: who reads it may read another language."""
    if vm.state == VmState.ERROR:
        vm.state_reason, vm.state_reason_params = reason, dict(params or {})
    else:
        vm.move_to(VmState.ERROR, reason=reason, params=params)
