"""What is seen of seats while they are made: kept between two rounds of asking, and written together with readiness."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from portal.core.lifecycle import SeatState
from portal.core.seat_signs import WITHOUT, Sign
from portal.models import Seat
from portal.services import seats
from portal.workflows.seat_waiting import Guest, Round
from portal.workflows.sequence import Context

NAMED_AFTER_S = 5.0  # before that, who does not answer yet is only on its way


@dataclass
class SeatWatch:
    """`runs` are seats all of whose machines were seen running; `lacks` says by seat which machines lack a sign."""

    guests: Sequence[Guest]
    names: Mapping[UUID, str]
    began: float = field(default_factory=time.monotonic)
    runs: set[UUID] = field(default_factory=set)
    lacks: dict[UUID, dict[str, list[str]]] = field(default_factory=dict)
    told: dict[UUID, tuple[bool, dict[str, list[str]]]] = field(default_factory=dict)

    def see(self, found: Round) -> None:
        running = frozenset[UUID]().union(*found.running.values())
        waiting = {guest.vm_id for guest in found.waiting}
        for seat_id, own in by_seat(self.guests).items():
            asked = [guest for guest in own if guest.host in found.running]
            stopped = [guest for guest in asked if guest.vm_id not in running]
            if len(asked) == len(own) and not stopped:
                self.runs.add(seat_id)
            silent = [guest for guest in asked if guest.vm_id in waiting and guest not in stopped]
            self.lacks[seat_id] = self.named({Sign.RUNNING: stopped, Sign.ANSWERS: silent})

    def named(self, lacks: Mapping[Sign, Sequence[Guest]]) -> dict[str, list[str]]:
        return {str(sign): [self.names[guest.vm_id] for guest in own] for sign, own in lacks.items() if own}

    def write(self, db: Session, rows: Collection[Seat], ctx: Context) -> bool:
        """Whether anything of these rows was new. Names of who is late come after a while."""
        late = time.monotonic() >= self.began + NAMED_AFTER_S
        changed = False
        for seat in rows:
            now = (seat.id in self.runs, self.lacks.get(seat.id, {}) if late else {})
            if seat.id in self.lacks and self.told.get(seat.id) != now:
                self.told[seat.id] = now
                changed = changed or now != (seat.running_at is not None, seat.lacks)
                seat.running_at = seat.running_at or (ctx.site.clock() if now[0] else None)
                seat.lacks = now[1]
        return changed

    def trouble_of(self, seat_id: UUID) -> tuple[str, Mapping[str, object]] | None:
        """Why a seat did not become ready in time: its first machine that does not run, else that does not answer."""
        lacks = self.lacks.get(seat_id, {})
        for sign in (Sign.RUNNING, Sign.ANSWERS):
            if names := lacks.get(sign):
                return WITHOUT[sign], {"machine": names[0]}
        return None


def by_seat(guests: Sequence[Guest]) -> dict[UUID, list[Guest]]:
    found: dict[UUID, list[Guest]] = {}
    for guest in guests:
        found.setdefault(guest.seat_id, []).append(guest)
    return found


def note_cloned(ctx: Context, seat_ids: Collection[UUID]) -> None:
    """Their hosts said that they are made."""
    if not seat_ids:
        return
    with ctx.write() as db:
        now = ctx.site.clock()
        for seat in seats.seats_of(db, ctx.subject_id, (SeatState.BUILDING,)):
            if seat.id in seat_ids:
                seat.cloned_at = seat.cloned_at or now
        seats.bump(db, ctx.subject_id)
