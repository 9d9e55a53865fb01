"""Takes seats away with all they have on their hosts; for a host that is lost another one does it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.lifecycle import HostState, SeatState
from portal.core.naming import seat_label
from portal.models import Seat
from portal.services import claims, seats
from portal.workflows.playbook_jobs import check_result, run_playbook
from portal.workflows.removing import stand_in_of
from portal.workflows.seat_runs import Leaving, ids_of, remove_run
from portal.workflows.sequence import Context

OF_CLASS = tuple(state for state in SeatState if state not in (SeatState.KEPT, SeatState.GONE))


def remove_seats(ctx: Context, lab_session_id: UUID, *, only: UUID | None = None) -> None:
    """All of a class that are not kept, or the one that was. What is gone already is fine.

    Seats that were never placed have nothing on any host. A host that does not answer holds up nobody but its own
    seats: the others are gone before it is complained of.
    """
    with ctx.write() as db:
        rows = seats.seats_of(db, lab_session_id, OF_CLASS) if only is None else one_left(db, only)
        works = [leaving_of(db, seat) for seat in rows if seat.host is not None]
        gone = [seat.id for seat in rows if seat.host is None]
    if not works:
        note_gone(ctx, lab_session_id, gone)
        return
    result = run_playbook(ctx, remove_run(ctx.site.settings.storage_dir, works))
    gone += [seat_id for seat_id, outcome in result.machines.items() if outcome.ok]
    note_gone(ctx, lab_session_id, gone)
    check_result(result, ids_of(works))


def one_left(db: Session, seat_id: UUID) -> list[Seat]:
    seat = db.get_one(Seat, seat_id)
    return [] if seat.state == SeatState.GONE else [seat]


def leaving_of(db: Session, seat: Seat) -> Leaving:
    host = seat.host if seat.host is not None and seat.host.state != HostState.LOST else stand_in_of(db)
    seat.fencing += 1
    label, vm_ids = seat_label(seat.lab_session_id, seat.number), tuple(machine.id for machine in seat.machines)
    return Leaving(seat.id, label, vm_ids, host.reached_at, seat.fencing)


def note_gone(ctx: Context, lab_session_id: UUID, ids: Collection[UUID]) -> None:
    with ctx.write() as db:
        now = ctx.site.clock()
        for seat in seats.seats_of(db, lab_session_id, (*OF_CLASS, SeatState.KEPT)):
            if seat.id in ids:
                seat.gone_at = now  # who sat there stays, for the report of the class
                if seat.state in (SeatState.BUILDING, SeatState.READY, SeatState.TAKEN, SeatState.KEPT):
                    seat.move_to(SeatState.GONE)
                else:
                    seat.move_to(SeatState.GONE, trouble=seat.trouble, params=seat.trouble_params)
        machines = [machine.id for seat_id in ids for machine in seats.machines_in(db, seat_id)]
        claims.release(db, machines)
        seats.bump(db, lab_session_id)
