"""Proves a lab on a real seat: each step's checks fail before its reference solution and pass after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from portal.core.errors import N_, PlaybookFailed
from portal.core.labs import CheckBy, LabStep
from portal.interfaces import HostAddress
from portal.services.checks import CheckOutcome, Eyes, Place, look, solve
from portal.services.seat_designs import SeatDesign, order_of
from portal.site import Site
from portal.workflows.playbook_jobs import check_result
from portal.workflows.seat_runs import SeatWork, ids_of, make_run, remove_run
from portal.workflows.seat_waiting import guests_of, wait_for_seats
from portal.workflows.sequence import Context


@dataclass(frozen=True)
class StepTrial:
    """`trouble` says in words what is wrong with the step; "" if all is as it should be."""

    step: str
    before: CheckOutcome
    after: CheckOutcome
    trouble: str

    @property
    def ok(self) -> bool:
        return not self.trouble


def try_lab(
    site: Site, design: SeatDesign, host: HostAddress, *, say: Callable[[StepTrial], None] = lambda trial: None
) -> list[StepTrial]:
    """Make one seat, booted, go through all steps, and take it away again, whatever happened."""
    with one_seat(site, design, host) as place:
        trials = []
        for step in design.spec.steps:
            trials.append(try_step(Eyes(site.hypervisor, site.doors), step, place))
            say(trials[-1])
        return trials


@contextmanager
def one_seat(site: Site, design: SeatDesign, host: HostAddress) -> Iterator[Place]:
    """A seat of nobody's class. Raises PlaybookFailed when it does not become ready."""
    owner = uuid4()
    order = order_of(design, owner_id=owner, number=1)
    work, storage = SeatWork(order, host, token=1), site.settings.storage_dir
    ctx = Context(site, workflow_id=f"trial-{owner}", subject_id=owner, fencing=0)
    try:
        check_result(site.playbooks.run(make_run(storage, [work])), ids_of([work]))
        if not wait_for_seats(ctx, guests_of(design, [work]), within_s=design.boot_within_s):
            raise PlaybookFailed(N_("The seat did not become ready in time."))
        machines: dict[str, UUID] = {machine.host_name: machine.vm_id for machine in order.machines}
        yield Place(host, order.seat_id, machines)
    finally:
        last = SeatWork(order, host, token=2)
        check_result(site.playbooks.run(remove_run(storage, [last])), ids_of([last]))


def try_step(eyes: Eyes, step: LabStep, place: Place) -> StepTrial:
    """A step that only a teacher's eyes can check asks for them before and after."""
    before = look(eyes, step, place, "en")
    by_eyes = all(check.by == CheckBy.TEACHER for check in step.checks)
    failed = solve(eyes, step, place)
    after = look(eyes, step, place, "en")
    if failed:
        return StepTrial(step.slug, before, after, failed)
    if not by_eyes and (before.passed or before.waits_for_teacher):
        return StepTrial(step.slug, before, after, "its checks pass before anything was done")
    if not (after.passed or after.waits_for_teacher):
        return StepTrial(step.slug, before, after, f"its checks fail after the solution: {' '.join(after.messages)}")
    return StepTrial(step.slug, before, after, "")
