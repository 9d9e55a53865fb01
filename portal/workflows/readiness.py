"""Waits until machines really serve: by their agent, a TCP port or a line on the serial console, never by "running"."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portal.core.errors import N_, MachineMissing, OutsideUnavailable, PlaybookFailed
from portal.core.lifecycle import VmState
from portal.core.templates import Ready, ReadyBy
from portal.interfaces import HostAddress, Power
from portal.models import Vm
from portal.workflows.sequence import Context, vms_of

AT_ONCE = 8  # machines that are asked at the same time
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.3, 2.0
LOOK_AT_POWER_EVERY_S = 5.0


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
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ready") as threads:
        while waiting:
            ctx.check()
            answers = list(threads.map(lambda machine: is_ready(ctx, machine, ready), waiting))
            note_ready(ctx, [machine for machine, answer in zip(waiting, answers, strict=True) if answer])
            waiting = [machine for machine, answer in zip(waiting, answers, strict=True) if not answer]
            if waiting and time.monotonic() >= patience.deadline:
                give_up(ctx, waiting, N_("It did not answer in time."))
            if waiting and patience.look_at_power():
                stopped = [machine for machine in waiting if has_stopped(ctx, machine)]
                if stopped:
                    give_up(ctx, stopped, N_("It stopped while it was starting."))
            if waiting:
                ctx.pause(patience.longer())


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


def has_stopped(ctx: Context, machine: Waiting) -> bool:
    try:
        return ctx.site.hypervisor.machine(machine.host, machine.vm_id).power in (Power.OFF, Power.CRASHED)
    except MachineMissing:
        return True
    except OutsideUnavailable:
        return False


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
