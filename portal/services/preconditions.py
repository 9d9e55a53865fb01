"""Looks at a fresh seat whether each step's checks fail as they should: nothing has been done on it yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.core.errors import N_, GuestSilent, MachineMissing, OutsideUnavailable
from portal.core.labs import Check, CheckBy, LabStep
from portal.services.checks import Eyes, Place, in_shell, last_line, look_once

NO_MACHINE = N_("A check looks at the machine “%(machine)s”, which the seat does not have.")
NO_ANSWER = N_("Machine “%(machine)s” does not answer the check.")
CANNOT_RUN = N_("The script of a check cannot be run on machine “%(machine)s”: %(said)s")
PASSES_ALREADY = N_("Its checks pass before anything was done.")
NOT_RUNNABLE = (126, 127)  # as a shell says it: not executable, not found
WRONG_SYNTAX = "Syntax error"


@dataclass(frozen=True)
class Precondition:
    """`trouble` is a msgid; "" when the checks fail without trouble, as they should before a student has begun."""

    step: str
    trouble: str = ""
    params: Mapping[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        return {"step": self.step, "trouble": self.trouble, "params": dict(self.params)}


class Trouble(Exception):
    def __init__(self, message: str, **params: str) -> None:
        super().__init__(message)
        self.message, self.params = message, params


def look_before(eyes: Eyes, step: LabStep, place: Place) -> Precondition:
    """All its checks once, but for those that only a teacher can look at."""
    checks = [check for check in step.checks if check.by != CheckBy.TEACHER]
    try:
        passed = [passes(eyes, check, place) for check in checks]
    except Trouble as trouble:
        return Precondition(step.slug, trouble.message, trouble.params)
    if passed and all(passed):
        return Precondition(step.slug, PASSES_ALREADY)
    return Precondition(step.slug)


def passes(eyes: Eyes, check: Check, place: Place) -> bool:
    """Raises Trouble when it cannot be looked at."""
    if check.machine not in place.machines:
        raise Trouble(NO_MACHINE, machine=check.machine)
    try:
        if check.by == CheckBy.AGENT:
            return script_passes(eyes, check, place)
        return look_once(eyes, check, place) is None
    except (GuestSilent, MachineMissing, OutsideUnavailable) as error:
        raise Trouble(NO_ANSWER, machine=check.machine) from error


def script_passes(eyes: Eyes, check: Check, place: Place) -> bool:
    machine_id = place.machines[check.machine]
    command = in_shell(check.script)
    answer = eyes.hypervisor.run_in_guest(place.host, machine_id, command, timeout_s=check.timeout_s)
    if answer.exit_code in NOT_RUNNABLE or WRONG_SYNTAX in answer.output:
        raise Trouble(CANNOT_RUN, machine=check.machine, said=last_line(answer.output) or f"{answer.exit_code}")
    return answer.exit_code == 0
