"""Boots the machines of a kept seat again from their disks, on another host if theirs is lost."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, PlaybookFailed
from portal.core.lifecycle import HostState, KeepingState
from portal.interfaces import SeatOrder
from portal.models import LabSession, Seat, Workflow
from portal.services import audit, claims, kept_seats, seat_claims, seats
from portal.services.seat_designs import SeatDesign, design_as_made
from portal.services.seats import subject_of
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.seat_making import ANSWERS_NOT, claims_of_seat, work_on
from portal.workflows.seat_runs import SeatWork, ids_of, make_run
from portal.workflows.seat_waiting import all_within, guests_of, wait_for_seats
from portal.workflows.sequence import Context, Sequence, Step

BOOTED_AGAIN = N_(
    "Your machines had been switched off (a server lost its power, or they were shut down) and were booted again from "
    "their disks. What is on the disks is there; what was only open or in memory is lost."
)
STILL_OFF = N_("Your machines are switched off and could not be booted again yet. This is tried again by itself.")


def find_place(ctx: Context) -> None:
    """Only a lost host is left: the disks lie in the cabinet."""
    with ctx.write() as db:
        seat = db.get_one(Seat, ctx.subject_id)
        if seat.host is not None and seat.host.state != HostState.LOST:
            return
        lab_session = db.get_one(LabSession, seat.lab_session_id)
        for machine in seat.machines:
            claims.leave_host(db, machine.id)
        design = design_as_made(db, lab_session.lab_version, seat.machines)
        wanted = {seat.id: claims_of_seat(db, seat, design)}
        now, reserve = ctx.site.clock(), ctx.site.settings.reserve_hosts
        seat.host_id = seat_claims.place_seats(db, lab_session, wanted, now, reserve_hosts=reserve)[seat.id].id


def boot(ctx: Context) -> None:
    """Never restored from memory: that no longer fits the disks. What runs already is left alone."""
    work, design = work_of(ctx)
    check_result(run_playbook(ctx, make_run(ctx.site.settings.storage_dir, [work])), ids_of([work]))
    if not wait_for_seats(ctx, guests_of(design, [work]), within_s=all_within(design, warm=False)):
        raise PlaybookFailed(ANSWERS_NOT)
    with ctx.write() as db:
        seat = db.get_one(Seat, ctx.subject_id)
        lab_session, now = db.get_one(LabSession, seat.lab_session_id), ctx.site.clock()
        if ctx.mark_once(db, N_("Booted again.")):
            details = {"seat": seat.number}
            subject = subject_of(lab_session)
            audit.record(db, actor=None, action="keeping.revived", subject=subject, now=now, details=details)
        tell(db, seat, BOOTED_AGAIN)


def work_of(ctx: Context) -> tuple[SeatWork, SeatDesign]:
    """From the disks and as large as the machines were made, whatever became of their templates."""
    with ctx.write() as db:
        seat = db.get_one(Seat, ctx.subject_id)
        design = design_as_made(db, db.get_one(LabSession, seat.lab_session_id).lab_version, seat.machines)
        work = work_on(db, design, seat, cold=True)
        return replace(work, order=as_made(work.order, seat)), design


def as_made(order: SeatOrder, seat: Seat) -> SeatOrder:
    rows = {machine.id: machine for machine in seat.machines}
    machines = tuple(
        replace(
            one, vcpus=rows[one.vm_id].vcpus, memory_mib=rows[one.vm_id].memory_mib, disk_gib=rows[one.vm_id].disk_gib
        )
        for one in order.machines
    )
    return replace(order, machines=machines)


def tell(db: Session, seat: Seat, trouble: str) -> None:
    """On the student's page and the class's."""
    keeping = kept_seats.of_seat(db, seat.id)
    if keeping is not None and keeping.state == KeepingState.KEPT:
        seat.trouble, seat.trouble_params = trouble, {}
        seats.bump(db, seat.lab_session_id)


def copies(db: Session, subject_id: UUID) -> int:
    return 1


def begun(db: Session, workflow: Workflow, ctx: Context) -> bool:
    """Not when its keeping ended meanwhile."""
    keeping = kept_seats.of_seat(db, workflow.subject_id)
    return keeping is not None and keeping.state == KeepingState.KEPT


def failed(db: Session, workflow: Workflow, ctx: Context) -> None:
    tell(db, db.get_one(Seat, workflow.subject_id), STILL_OFF)


def cancelled(db: Session, workflow: Workflow, ctx: Context) -> None:
    """Its keeping ended, which takes the seat away."""


REVIVE_SEAT = Sequence(
    name="revive_seat",
    steps=(
        Step(N_("Find a place for it"), find_place),
        Step(N_("Boot its machines again"), boot, again=1),
    ),
    copies=copies,
    begun=begun,
    failed=failed,
    cancelled=cancelled,
)
