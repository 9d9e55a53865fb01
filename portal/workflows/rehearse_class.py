"""Rehearses a class: one seat for real, booted, looked at, restored, told to its teacher, and taken away again.

Trouble of the seat is what a rehearsal is for: it is written down, and the steps that tell and tidy up still run.
"""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, Cancelled, OutsideUnavailable, PlaybookFailed, PortalError, plain
from portal.core.lifecycle import HostState, LabSessionState
from portal.models import Host, LabSession, LabVersion, Rehearsal, Workflow
from portal.services import claims, class_notices, seat_claims
from portal.services.checks import Eyes, Place
from portal.services.preconditions import look_before
from portal.services.seat_designs import SeatDesign, design_of, order_of
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.removing import stand_in_of
from portal.workflows.seat_images import ensure_image
from portal.workflows.seat_runs import SeatWork, ids_of, make_run, remove_run
from portal.workflows.seat_waiting import all_within, guests_of, wait_for_seats
from portal.workflows.sequence import Context, Sequence, Step

PASSED_ON = (Cancelled, OutsideUnavailable)  # the latter is tried again first
NOT_BOOTED = N_("The seat was started and did not become ready in time.")
NOT_RESTORED = N_("The seat was restored from memory and did not answer in time.")
NO_IMAGE = N_("No seat could be saved with its memory, so all seats will be booted, which takes longer.")


def hold(ctx: Context) -> None:
    """One seat's claims on one host."""
    with ctx.write() as db:
        rehearsal, lab_session, design = load(db, ctx)
        order = order_of(design, owner_id=rehearsal.id, number=1)
        parts = [
            seat_claims.SeatClaim(machine.vm_id, part.spec.slug, part.amount)
            for part, machine in zip(design.parts, order.machines, strict=True)
        ]
        reserve, now = ctx.site.settings.reserve_hosts, ctx.site.clock()
        wanted = {order.seat_id: parts}
        hosts = seat_claims.place_seats(db, lab_session, wanted, now, reserve_hosts=reserve)
        rehearsal.host_id = hosts[order.seat_id].id


def let_go(ctx: Context) -> None:
    with ctx.write() as db:
        rehearsal, _, design = load(db, ctx)
        order = order_of(design, owner_id=rehearsal.id, number=1)
        claims.release(db, [machine.vm_id for machine in order.machines])


def boot(ctx: Context) -> None:
    try:
        seconds = make(ctx, image=None, trouble=NOT_BOOTED)
    except PASSED_ON:
        raise
    except PortalError as error:
        note_trouble(ctx, error)
        return
    with ctx.write() as db:
        db.get_one(Rehearsal, ctx.subject_id).boot_s = seconds


def look(ctx: Context) -> None:
    """Every step's checks, before anything was done."""
    with ctx.site.sessions() as db:
        rehearsal, _, design = load(db, ctx)
        if rehearsal.trouble or rehearsal.host is None:
            return
        order = order_of(design, owner_id=rehearsal.id, number=1)
        machines = {machine.host_name: machine.vm_id for machine in order.machines}
        place = Place(rehearsal.host.reached_at, order.seat_id, machines)
    eyes, findings = Eyes(ctx.site.hypervisor, ctx.site.doors), []
    for step in design.spec.steps:
        ctx.check()
        findings.append(look_before(eyes, step, place).as_data())
    with ctx.write() as db:
        db.get_one(Rehearsal, ctx.subject_id).findings = findings


def restore(ctx: Context) -> None:
    """As the class's seats will be made, if this lab can be saved at all. The image stays for them."""
    with ctx.site.sessions() as db:
        rehearsal, lab_session, design = load(db, ctx)
        host, version = rehearsal.host, lab_session.lab_version
        if rehearsal.trouble or host is None or not design.can_be_warm:
            return
        db.expunge_all()
    try:
        take_away(ctx)  # whatever saves the image needs the room that this one seat holds
        restore_from(ctx, version, design, host)
    except PASSED_ON:
        raise
    except PortalError as error:
        note_trouble(ctx, error)


def restore_from(ctx: Context, version: LabVersion, design: SeatDesign, host: Host) -> None:
    key = ensure_image(ctx, version, design, host)
    if key is None:
        raise PlaybookFailed(NO_IMAGE)
    seconds = make(ctx, image=key, trouble=NOT_RESTORED)
    with ctx.write() as db:
        db.get_one(Rehearsal, ctx.subject_id).restore_s = seconds


def make(ctx: Context, *, image: str | None, trouble: str) -> float:
    """The seat anew, whatever is left of it; in how many seconds it served."""
    work, design = work_of(ctx, image=image)
    began = time.monotonic()
    check_result(run_playbook(ctx, make_run(ctx.site.settings.storage_dir, [work])), ids_of([work]))
    within = all_within(design, warm=image is not None)
    if not wait_for_seats(ctx, guests_of(design, [work]), within_s=within):
        raise PlaybookFailed(trouble)
    return time.monotonic() - began


def take_away(ctx: Context) -> None:
    """What is gone already is fine. For a host that is lost another one does it."""
    with ctx.site.sessions() as db:
        if db.get_one(Rehearsal, ctx.subject_id).host_id is None:
            return
    work, _ = work_of(ctx, leaving=True)
    check_result(run_playbook(ctx, remove_run(ctx.site.settings.storage_dir, [work])), ids_of([work]))


def work_of(ctx: Context, *, image: str | None = None, leaving: bool = False) -> tuple[SeatWork, SeatDesign]:
    """The one seat under a fencing number above all before."""
    with ctx.write() as db:
        rehearsal, _, design = load(db, ctx)
        host = rehearsal.host
        if leaving and (host is None or host.state == HostState.LOST):
            host = stand_in_of(db)
        if host is None:
            raise PlaybookFailed(N_("This seat is on no host."))
        rehearsal.fencing += 1
        order = order_of(design, owner_id=rehearsal.id, number=1, image=image)
        order = replace(order, fresh=not leaving)
        return SeatWork(order, host.reached_at, rehearsal.fencing), design


def load(db: Session, ctx: Context) -> tuple[Rehearsal, LabSession, SeatDesign]:
    rehearsal = db.get_one(Rehearsal, ctx.subject_id)
    lab_session = db.get_one(LabSession, rehearsal.lab_session_id)
    return rehearsal, lab_session, design_of(db, lab_session.lab_version)


def note_trouble(ctx: Context, error: PortalError) -> None:
    with ctx.write() as db:
        db.get_one(Rehearsal, ctx.subject_id).tell_trouble(error.message, plain(error.params))


def report(ctx: Context) -> None:
    with ctx.write() as db:
        ctx.check_under_lock(db)
        tell(db, db.get_one(Rehearsal, ctx.subject_id), ctx)


def tell(db: Session, rehearsal: Rehearsal, ctx: Context) -> None:
    """Once."""
    if rehearsal.reported_at is None:
        settings = ctx.site.settings
        rehearsal.reported_at = ctx.site.clock()
        class_notices.tell_rehearsal(
            db, rehearsal=rehearsal, now=ctx.site.clock(), base_url=settings.base_url, timezone=settings.timezone
        )


def free(ctx: Context) -> None:
    take_away(ctx)
    let_go(ctx)
    with ctx.write() as db:
        end(db, ctx)


def end(db: Session, ctx: Context) -> None:
    rehearsal = db.get_one(Rehearsal, ctx.subject_id)
    rehearsal.ended_at = rehearsal.ended_at or ctx.site.clock()


def copies(db: Session, subject_id: UUID) -> int:
    return 1


def begun(db: Session, workflow: Workflow, ctx: Context) -> bool:
    """Not when the class was cancelled, or is being prepared itself."""
    rehearsal = db.get_one(Rehearsal, workflow.subject_id)
    is_booked = db.get_one(LabSession, rehearsal.lab_session_id).state == LabSessionState.BOOKED
    return is_booked or rehearsal.reported_at is not None


def failed(db: Session, workflow: Workflow, ctx: Context) -> None:
    """Its teacher is told; the clock takes away what is left."""
    rehearsal = db.get_one(Rehearsal, workflow.subject_id)
    rehearsal.tell_trouble(workflow.error or "", workflow.error_params)
    tell(db, rehearsal, ctx)


def cancelled(db: Session, workflow: Workflow, ctx: Context) -> None:
    """All that it had was undone before."""
    end(db, ctx)


REHEARSE_CLASS = Sequence(
    name="rehearse_class",
    steps=(
        Step(N_("Hold a place for one seat"), hold, let_go),
        Step(N_("Boot one seat"), boot, take_away),
        Step(N_("Look at all checks"), look),
        Step(N_("Restore one seat from memory"), restore),
        Step(N_("Tell the teacher"), report),
        Step(N_("Take the seat away"), free),
    ),
    copies=copies,
    begun=begun,
    failed=failed,
    cancelled=cancelled,
)
