"""Rehearses a class: one seat for real, booted, looked at, restored, told to its teacher, and taken away again.

Trouble of the seat is what a rehearsal is for: it is written down, and the steps that tell and tidy up still run.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_, PlaybookFailed, PortalError
from portal.core.lifecycle import LabSessionState
from portal.models import Host, LabSession, LabVersion, Rehearsal, Workflow
from portal.services import class_notices
from portal.services.checks import Eyes
from portal.services.preconditions import look_before
from portal.services.seat_designs import SeatDesign, design_of
from portal.workflows.lone_seats import PASSED_ON, Held, LoneSeats
from portal.workflows.seat_images import ensure_image
from portal.workflows.sequence import Context, Sequence, Step

NOT_RESTORED = N_("The seat was restored from memory and did not answer in time.")
NO_IMAGE = N_("No seat could be saved with its memory, so all seats will be booted, which takes longer.")


def load(db: Session, subject_id: UUID) -> Held:
    rehearsal = db.get_one(Rehearsal, subject_id)
    lab_session = db.get_one(LabSession, rehearsal.lab_session_id)
    return Held(rehearsal, lab_session, lab_session.lab_version)


SEAT = LoneSeats(load)


def look(ctx: Context) -> None:
    """Every step's checks, before anything was done."""
    with ctx.site.sessions() as db:
        place, steps = SEAT.place(db, ctx), load(db, ctx.subject_id).spec.steps
    if place is None:
        return
    eyes, findings = Eyes(ctx.site.hypervisor, ctx.site.doors), []
    for step in steps:
        ctx.check()
        findings.append(look_before(eyes, step, place).as_data())
    with ctx.write() as db:
        db.get_one(Rehearsal, ctx.subject_id).findings = findings


def restore(ctx: Context) -> None:
    """As the class's seats will be made, if this lab can be saved at all. The image stays for them."""
    with ctx.site.sessions() as db:
        rehearsal = db.get_one(Rehearsal, ctx.subject_id)
        version = db.get_one(LabSession, rehearsal.lab_session_id).lab_version
        host, design = rehearsal.host, design_of(db, version)
        if rehearsal.trouble or host is None or not design.can_be_warm:
            return
        db.expunge_all()
    try:
        SEAT.take_away(ctx)  # whatever saves the image needs the room that this one seat holds
        restore_from(ctx, version, design, host)
    except PASSED_ON:
        raise
    except PortalError as error:
        SEAT.note_trouble(ctx, error)


def restore_from(ctx: Context, version: LabVersion, design: SeatDesign, host: Host) -> None:
    key = ensure_image(ctx, version, design, host)
    if key is None:
        raise PlaybookFailed(NO_IMAGE)
    seconds = SEAT.make(ctx, image=key, trouble=NOT_RESTORED)
    with ctx.write() as db:
        db.get_one(Rehearsal, ctx.subject_id).restore_s = seconds


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
    SEAT.take_away(ctx)
    SEAT.let_go(ctx)
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
        Step(N_("Hold a place for one seat"), SEAT.hold, SEAT.let_go),
        Step(N_("Boot one seat"), SEAT.boot, SEAT.take_away),
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
