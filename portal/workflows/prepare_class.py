"""Makes the seats of a class before its hour: hold places, save one seat as a pattern, make all, tell the teacher."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.errors import N_
from portal.core.lifecycle import LabSessionState, SeatState
from portal.models import LabSession, Seat, Workflow
from portal.services import audit, class_notices, invitation_notices, seat_claims, seats
from portal.services.seat_designs import design_of, image_key
from portal.services.seats import subject_of
from portal.workflows.seat_images import ensure_image
from portal.workflows.seat_making import make_until_enough, top_up
from portal.workflows.seat_removing import remove_seats
from portal.workflows.sequence import Context, Sequence, Step


def hold(ctx: Context) -> None:
    """Rows, claims and hosts for all seats. The booking has proven that there is room."""
    top_up(ctx, spares=True)


def let_go(ctx: Context) -> None:
    with ctx.write() as db:
        seat_claims.release_session(db, ctx.subject_id)


def save_pattern(ctx: Context) -> None:
    """An image for the kind of host that most seats are on; seats on others are booted."""
    with ctx.site.sessions() as db:
        lab_session = db.get_one(LabSession, ctx.subject_id)
        design = design_of(db, lab_session.lab_version)
        rows = seats.seats_of(db, lab_session.id, (SeatState.BUILDING, SeatState.READY, SeatState.TAKEN))
        hosts = [seat.host for seat in rows if seat.host is not None]
        if not hosts:
            return
        keys = [image_key(design, host) for host in hosts]
        host = hosts[keys.index(max(keys, key=keys.count))]
        version = lab_session.lab_version
        db.expunge_all()
    ensure_image(ctx, version, design, host)


def unmake(ctx: Context) -> None:
    remove_seats(ctx, ctx.subject_id)


def open_room(ctx: Context) -> None:
    """The class is ready. If seats are missing, its teacher is told why, once."""
    with ctx.write() as db:
        lab_session = seats.held_session(db, ctx.subject_id)
        ctx.check_under_lock(db)
        if lab_session.state != LabSessionState.PREPARING:
            return
        now = ctx.site.clock()
        usable = seats.seats_of(db, lab_session.id, (SeatState.READY, SeatState.TAKEN))
        lab_session.move_to(LabSessionState.READY)
        lab_session.prepared_at = now
        missing = max(lab_session.seats - len(usable), 0)
        note_missing(db, ctx, lab_session, missing)
        details = {"seats": len(usable), "warm": sum(bool(seat.warm) for seat in usable), "missing": missing}
        audit.record(
            db, actor=None, action="lab_session.ready", subject=subject_of(lab_session), now=now, details=details
        )


def note_missing(db: Session, ctx: Context, lab_session: LabSession, missing: int) -> None:
    if not missing:
        lab_session.tell_trouble("")
        return
    reason = class_notices.last_reason(seats.seats_of(db, lab_session.id)) or ""
    params = {"missing": missing, "seats": lab_session.seats, "reason": reason}
    lab_session.tell_trouble(N_("%(missing)s of %(seats)s seats could not be prepared. %(reason)s"), params)
    class_notices.tell_trouble(db, lab_session=lab_session, now=ctx.site.clock(), base_url=ctx.site.settings.base_url)


def copies(db: Session, subject_id: UUID) -> int:
    lab_session = db.get_one(LabSession, subject_id)
    return lab_session.seats + lab_session.spares


def begun(db: Session, workflow: Workflow, ctx: Context) -> bool:
    return db.get_one(LabSession, workflow.subject_id).state == LabSessionState.PREPARING


def failed(db: Session, workflow: Workflow, ctx: Context) -> None:
    """The page and, the first time, a letter say why; the clock tries again until the class is over."""
    lab_session = seats.held_session(db, workflow.subject_id)
    lab_session.tell_trouble(workflow.error or "", workflow.error_params)
    class_notices.tell_trouble(db, lab_session=lab_session, now=ctx.site.clock(), base_url=ctx.site.settings.base_url)


def cancelled(db: Session, workflow: Workflow, ctx: Context) -> None:
    """Nothing is left on the hosts, and the class is over before it began."""
    lab_session = seats.held_session(db, workflow.subject_id)
    now = ctx.site.clock()
    for seat in db.query(Seat).where(Seat.lab_session_id == lab_session.id, Seat.state != SeatState.GONE):
        seat.move_to(SeatState.GONE)  # never placed
    if lab_session.state == LabSessionState.PREPARING:
        over = lab_session.ends_at <= now
        lab_session.move_to(LabSessionState.ENDED if over else LabSessionState.CANCELLED)
        lab_session.ended_at = now
        if not over:
            invitation_notices.tell_cancelled(db, [lab_session], now=now, timezone=ctx.site.settings.timezone)


PREPARE_CLASS = Sequence(
    name="prepare_class",
    steps=(
        Step(N_("Hold the places"), hold, let_go),
        Step(N_("Save one seat as the pattern"), save_pattern),
        Step(N_("Prepare the seats"), make_until_enough, unmake, per_copy=True),
        Step(N_("Open the room"), open_room),
    ),
    copies=copies,
    begun=begun,
    failed=failed,
    cancelled=cancelled,
)
