"""A seat of one guest without any cluster, so that a lab's checks and solutions can be tried on its template alone."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from uuid import UUID, uuid4

from portal.core.labs import LabSpec
from portal.interfaces import DoorAnswer, GuestAnswer, HostAddress
from portal.services.checks import Eyes, Place
from portal.workflows.lab_trials import StepTrial, try_step
from tests.templates_vm.qemu_guest import Guest


class OneGuest:
    """What checks look with. `ports`: where the guest's ports answer on this machine."""

    def __init__(self, guest: Guest, ports: dict[int, int]) -> None:
        self.guest, self.ports = guest, ports

    def run_in_guest(self, host: HostAddress, vm_id: UUID, command: Sequence[str], *, timeout_s: float) -> GuestAnswer:
        return self.guest.run(command, timeout_s=6 * timeout_s)  # other tests are at work beside this one

    def probe(self, host: HostAddress, seat_id: UUID, door: str, *, timeout_s: float = 3.0) -> bool:
        """Asked inside the guest, at its outer address: QEMU's own forwarding takes every connection."""
        knock = ("/bin/bash", "-c", f"</dev/tcp/10.0.2.15/{port_of(door)}")
        return self.guest.run(knock, timeout_s=60).exit_code == 0

    def get(self, host: HostAddress, seat_id: UUID, door: str, *, path: str, timeout_s: float = 10.0) -> DoorAnswer:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port_of(door)]}{path}", timeout=60) as page:
                return DoorAnswer(True, page.status, page.read(65536).decode())
        except urllib.error.HTTPError as refused:
            return DoorAnswer(True, refused.code)
        except OSError:
            return DoorAnswer(False)


def port_of(door: str) -> int:
    return int(door.rpartition("-")[2])


def try_all_steps(lab: LabSpec, guest: Guest, ports: dict[int, int]) -> Iterator[StepTrial]:
    """As `vivero lab check` does it, for a lab of one machine."""
    one = OneGuest(guest, ports)
    place = Place(HostAddress("here", "127.0.0.1"), uuid4(), {machine.name: uuid4() for machine in lab.machines})
    for step in lab.steps:
        yield try_step(Eyes(one, one), step, place)  # type: ignore[arg-type]  # the part of both that checks use
