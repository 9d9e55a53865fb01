"""Running programs by a guest's agent, with a guest that may say anything."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from portal.backends.guest_agent import LARGEST_OUTPUT, run_program
from portal.core.errors import GuestSilent


class Guest:
    """Ends its program after `looks` questions; remembers what it was asked."""

    def __init__(self, *, looks: int = 1, **status: Any) -> None:
        self.looks, self.status = looks, status
        self.asked: list[dict[str, Any]] = []

    def __call__(self, text: str) -> str:
        self.asked.append(json.loads(text))
        if self.asked[-1]["execute"] == "guest-exec":
            return json.dumps({"return": {"pid": 7}})
        self.looks -= 1
        return json.dumps({"return": {"exited": self.looks <= 0, **self.status}})


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def run(guest: Any, timeout_s: float = 5.0) -> Any:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    return run_program(guest, ["/bin/sh", "-c", "x"], timeout_s=timeout_s, clock=lambda: now[0], sleep=sleep)


def test_both_outputs_and_the_code_come_back() -> None:
    answer = run(Guest(looks=3, exitcode=3, **{"out-data": b64(b"said\n"), "err-data": b64(b"moaned\n")}))
    assert (answer.exit_code, answer.output) == (3, "said\nmoaned\n")


def test_output_is_bounded() -> None:
    assert len(run(Guest(exitcode=0, **{"out-data": b64(b"y" * 300_000)})).output) == LARGEST_OUTPUT


def test_a_signal_counts_as_in_a_shell() -> None:
    assert run(Guest(signal=9)).exit_code == 137


def test_a_program_that_does_not_end_is_killed() -> None:
    guest = Guest(looks=10_000)
    with pytest.raises(GuestSilent):
        run(guest)
    assert guest.asked[-1]["arguments"] == {"path": "kill", "arg": ["-9", "7"]}


@pytest.mark.parametrize("answer", ["", "[]", "{}", '{"return": 3}', '{"return": {"pid": "7; reboot"}}'])
def test_an_agent_that_makes_no_sense_is_silent(answer: str) -> None:
    with pytest.raises(GuestSilent):
        run(lambda text: answer)
