"""A guest that is not there: it remembers which files a script made, so that a check sees what a solution did."""

from __future__ import annotations

import re
from collections.abc import Sequence

from portal.backends.fake_cluster import FakeMachine, World
from portal.interfaces import GuestAnswer

MAKES = re.compile(r"(?:\btouch|\btee(?: -a)?|>>?)\s*(/[\w./-]+)")
WANTS = re.compile(r"(?:\btest|\[)\s+-[efs]\s+(/[\w./-]+)")


def run_in(world: World, machine: FakeMachine, command: Sequence[str]) -> GuestAnswer:
    """What a test has set (FakeCluster.answer_in_guest) goes first; else a script ends well if what it tests is there.

    Of a shell only this much is known: `touch /path`, `> /path`, `tee /path` make a file, `test -f /path` asks for it.
    """
    text = " ".join(command)
    for part, (exit_code, output) in reversed(world.guest_answers.items()):
        if part in text:
            return GuestAnswer(exit_code, output)
    missing = [path for path in WANTS.findall(text) if path not in machine.files]
    if missing:
        return GuestAnswer(1, f"{missing[0]} is not there\n")
    made = [path for path in MAKES.findall(text) if not path.startswith("/dev/")]
    machine.files = sorted({*machine.files, *made})
    return GuestAnswer(0, "")


def only_looks(command: Sequence[str]) -> bool:
    """Whether this makes no file, so that nobody else need wait for it."""
    return MAKES.search(" ".join(command)) is None
