"""How ready a class is, seat by seat and sign by sign: for its teacher's board, the letter before it, and the API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy.orm import Session

from portal.core.errors import Phrase
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.seat_signs import SignSeen, Traits
from portal.models import LabSession, Seat
from portal.services import hosts, seat_signs, seats
from portal.services.lab_specs import spec_of

ALIVE = (SeatState.BUILDING, SeatState.READY, SeatState.TAKEN)
SHOWN = (*ALIVE, SeatState.REPLACED)
COMING = (LabSessionState.PREPARING, LabSessionState.READY)


@dataclass(frozen=True)
class SeatReadiness:
    """`why` says what keeps it from serving; None if nothing does."""

    seat: Seat
    signs: tuple[SignSeen, ...]
    why: Phrase | None

    @property
    def is_replaced(self) -> bool:
        return self.seat.state == SeatState.REPLACED

    @property
    def is_ready(self) -> bool:
        return self.seat.state in seat_signs.AT_WORK and self.why is None


@dataclass(frozen=True)
class Readiness:
    """`rows` are the living seats and those that failed, by number."""

    lab_session: LabSession
    traits: Traits
    rows: tuple[SeatReadiness, ...]

    @cached_property
    def ready(self) -> int:
        """As the class counts: what stopped answering later is shown and not taken off."""
        return sum(row.seat.state in seat_signs.AT_WORK for row in self.rows)

    @property
    def in_reach(self) -> int:
        """The same without those whose host does not answer."""
        return sum(row.seat.state in seat_signs.AT_WORK and why_silent(row.seat) is None for row in self.rows)

    @property
    def total(self) -> int:
        alive = sum(not row.is_replaced for row in self.rows)
        return max(self.lab_session.seats, alive)

    @property
    def percent(self) -> int:
        return 100 * self.ready // max(self.total, 1)

    @property
    def waiting(self) -> tuple[SeatReadiness, ...]:
        """Everything that is not ready, the seats that failed too."""
        return tuple(row for row in self.rows if not row.is_ready)

    @property
    def missing(self) -> tuple[SeatReadiness, ...]:
        """As many as the class lacks: those that are still being made, then those that failed last."""
        lacking = max(self.lab_session.seats - self.in_reach, 0)
        making = [row for row in self.waiting if row.seat.state == SeatState.BUILDING or why_silent(row.seat)]
        failed = [row for row in reversed(self.rows) if row.is_replaced]
        return tuple(sorted((*making, *failed)[:lacking], key=lambda row: row.seat.number))

    @property
    def amiss(self) -> tuple[SeatReadiness, ...]:
        """Seats in use that lost a sign."""
        return tuple(row for row in self.rows if row.seat.state in seat_signs.AT_WORK and not row.is_ready)


def readiness_of(db: Session, lab_session: LabSession, rows: Iterable[Seat] | None = None) -> Readiness:
    """`rows`: all seats of the class, for who has read them already."""
    traits = seat_signs.traits_of(db, spec_of(lab_session.lab_version))
    known = seats.seats_of(db, lab_session.id, SHOWN) if rows is None else rows
    shown = sorted((seat for seat in known if seat.state in SHOWN), key=lambda seat: seat.number)
    return Readiness(lab_session, traits, tuple(seat_readiness(seat, traits) for seat in shown))


def seat_readiness(seat: Seat, traits: Traits) -> SeatReadiness:
    signs = seat_signs.signs_of(seat, traits)
    return SeatReadiness(seat, signs, seat_signs.why_not(seat, signs) or why_silent(seat))


def why_silent(seat: Seat) -> Phrase | None:
    """Its host does not answer, so nobody knows."""
    if seat.host is None or seat.state == SeatState.REPLACED or not hosts.is_silent(seat.host):
        return None
    trouble = hosts.trouble_of(seat.host)
    return Phrase(trouble.message, trouble.params) if trouble is not None else None


def minutes_left(lab_session: LabSession, now: datetime) -> int | None:
    """To the hour, below zero after it; None when nobody waits for it."""
    if lab_session.state not in COMING:
        return None
    return int((lab_session.starts_at - now).total_seconds() // 60)
