"""What the agent inside a guest understands: running a program and asking how it ended. No libvirt here."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from portal.core.errors import N_, GuestSilent
from portal.interfaces import GuestAnswer

LARGEST_OUTPUT = 64 * 1024
FIRST_POLL_S, SLOWEST_POLL_S = 0.02, 0.5
BY_SIGNAL = 128  # how a shell counts a program that a signal ended

Ask = Callable[[str], str]  # one command as JSON in, one answer as JSON out; raises GuestSilent


def silent() -> GuestSilent:
    return GuestSilent(N_("The machine's agent does not answer."))


def run_program(
    ask: Ask,
    command: Sequence[str],
    *,
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> GuestAnswer:
    """Start it and ask until it has ended. What does not end in time is killed, as far as the guest can do that."""
    deadline, pause = clock() + timeout_s, FIRST_POLL_S
    pid = start(ask, command)
    while True:
        status = call(ask, "guest-exec-status", {"pid": pid})
        if status.get("exited"):
            return answer_of(status)
        if clock() + pause > deadline:
            kill(ask, pid)
            raise GuestSilent(N_("The program inside the machine did not end in time."))
        sleep(pause)
        pause = min(pause * 2, SLOWEST_POLL_S)


def start(ask: Ask, command: Sequence[str]) -> int:
    arguments = {"path": command[0], "arg": list(command[1:]), "capture-output": True}
    pid = call(ask, "guest-exec", arguments).get("pid")
    if not isinstance(pid, int):
        raise silent()
    return pid


def kill(ask: Ask, pid: int) -> None:
    with suppress(GuestSilent):
        call(ask, "guest-exec", {"path": "kill", "arg": ["-9", str(pid)]})


def call(ask: Ask, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a guest answers is data of somebody who may be root there: anything odd counts as silence."""
    answer = ask(json.dumps({"execute": command, "arguments": arguments}))
    try:
        returned = json.loads(answer)["return"]
    except (ValueError, KeyError, TypeError):
        raise silent() from None
    if not isinstance(returned, dict):
        raise silent()
    return returned


def answer_of(status: dict[str, Any]) -> GuestAnswer:
    output = text_of(status, "out-data") + text_of(status, "err-data")
    code, signal = status.get("exitcode"), status.get("signal")
    if isinstance(signal, int):
        code = BY_SIGNAL + signal
    return GuestAnswer(code if isinstance(code, int) else 1, output[:LARGEST_OUTPUT])


def text_of(status: dict[str, Any], name: str) -> str:
    most = LARGEST_OUTPUT * 4 // 3 // 4 * 4  # base64: whole groups only
    try:
        data = base64.b64decode(str(status.get(name) or "")[:most])
    except (binascii.Error, ValueError):
        return ""
    return data.decode(errors="replace").replace("\0", "")
