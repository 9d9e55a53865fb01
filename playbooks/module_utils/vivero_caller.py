"""Whether anybody still waits for this module: a run that was cancelled must not go on making machines."""

from __future__ import annotations

import select
import sys

from ansible.module_utils.vivero_machine import Refused


def check_caller() -> None:
    """Raise Refused once the other end of our standard output is closed, as it is when SSH or Ansible were stopped."""
    try:
        output = sys.__stdout__.fileno() if sys.__stdout__ else None
    except ValueError:  # no real file, as under a test
        output = None
    if output is None:
        return
    poll = select.poll()
    poll.register(output, 0)
    if any(event & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, event in poll.poll(0)):
        raise Refused("the run was stopped")
