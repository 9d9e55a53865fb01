"""All seats of one call on their way through its phases, each with its own outcome."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import libvirt
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.vivero_caller import check_caller
from ansible.module_utils.vivero_machine import Refused
from ansible.module_utils.vivero_seat_places import SeatPlaces
from ansible.module_utils.vivero_storage import fenced

THREADS_PER_CORE = 4


@dataclass
class SeatWork:
    """One seat; `trouble` ends its work without ending the others'. `vm_id` in the outcome is the seat's id."""

    seat_id: UUID | None
    told: str  # the id as it came
    token: int | None = None
    changed: bool = False
    trouble: str = ""
    done: list[str] = field(default_factory=list)

    def note(self, did: str) -> None:
        self.changed = True
        if did not in self.done:
            self.done.append(did)

    def outcome(self, unchanged: str) -> dict[str, Any]:
        message = self.trouble or ", ".join(self.done) or unchanged
        return {"vm_id": self.told, "ok": not self.trouble, "changed": self.changed, "message": message}


def in_threads(step: Callable[[Any], None], things: list[Any]) -> None:
    with ThreadPoolExecutor(THREADS_PER_CORE * (os.cpu_count() or 1)) as pool:
        list(pool.map(step, things))


def guarded(work: SeatWork, storage: Path, step: Callable[[], None], *, retiring: bool = False) -> None:
    """Take the step behind the seat's fence; what goes wrong becomes the seat's trouble."""
    if work.trouble or work.seat_id is None:
        return
    try:
        check_caller()
        with fenced(SeatPlaces(storage, work.seat_id).fence, work.token, retiring=retiring):
            step()
    except Refused as error:
        work.trouble = str(error)
    except libvirt.libvirtError as error:
        work.trouble = f"libvirt: {error.get_error_message()}"
    except (OSError, subprocess.SubprocessError) as error:
        work.trouble = f"{type(error).__name__}: {error}"


def answer(module: AnsibleModule, work: Callable[[dict[str, Any]], list[Any]], *, unchanged: str) -> None:
    """End the module with the outcome of each seat. What `work` returns has its SeatWork as `work`."""
    libvirt.registerErrorHandler(lambda context, error: None, None)  # or it prints each error as well
    try:
        things = work(module.params)
    except Refused as error:
        module.fail_json(msg=str(error))
    except libvirt.libvirtError as error:
        module.fail_json(msg=f"libvirt: {error.get_error_message()}")
    outcomes = [thing.work.outcome(unchanged) for thing in things]
    module.exit_json(changed=any(thing.work.changed for thing in things), machines=outcomes)
