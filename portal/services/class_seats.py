"""What a class's seats did, how quickly they were ready, and the proof that nothing of them was left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.lifecycle import SeatState
from portal.core.seat_signs import READINESS, Sign
from portal.models import AuditEntry, LabSession, Seat

KINDS = ("machine", "folder", "network", "sockets")  # as workflows/end_class.py writes them down
SILENT = "does not answer"  # it too


@dataclass(frozen=True)
class SeatsReport:
    """`unused` were ready and nobody sat there; `failed` had to be replaced."""

    booked: int
    spares: int
    made: int
    used: int
    failed: int
    resets: int

    @property
    def unused(self) -> int:
        return self.made - self.used


@dataclass(frozen=True)
class StartUps:
    """Seconds from the beginning of a seat's last making until it was ready, of all that were made in one way."""

    warm: bool
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.seconds)


@dataclass(frozen=True)
class SignTime:
    """How long seats usually took until they showed a sign, from the beginning of their last making."""

    sign: Sign
    seconds: float
    count: int


@dataclass(frozen=True)
class Proof:
    """Two entries of the audit log. `before` counts the things of each kind (KINDS) by host; after there are none."""

    listed_at: datetime
    listed_entry: int
    before: Mapping[str, Mapping[str, int]]
    cleared_at: datetime | None = None
    cleared_entry: int | None = None
    silent: tuple[str, ...] = ()  # hosts that did not answer when the list was written
    kept: int = 0  # seats that stayed with their students; each has a proof of its own in the end

    @property
    def count(self) -> int:
        return sum(sum(kinds.values()) for kinds in self.before.values())


def seats_report(lab_session: LabSession, rows: Sequence[Seat]) -> SeatsReport:
    failed = [seat for seat in rows if has_failed(seat)]
    made = [seat for seat in rows if seat.ready_at is not None and not has_failed(seat)]
    return SeatsReport(
        booked=lab_session.seats,
        spares=lab_session.spares,
        made=len(made),
        used=sum(seat.student_id is not None for seat in made),
        failed=len(failed),
        resets=sum(seat.resets for seat in rows),
    )


def has_failed(seat: Seat) -> bool:
    """Its trouble stays when it is taken away."""
    return seat.state == SeatState.REPLACED or (seat.state == SeatState.GONE and bool(seat.trouble))


def start_ups_of(rows: Sequence[Seat]) -> tuple[StartUps, ...]:
    """Warm ones first; only what is known."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for seat in rows:
        if seat.warm is not None and seat.begun_at is not None and seat.ready_at is not None:
            seconds[seat.warm].append((seat.ready_at - seat.begun_at).total_seconds())
    return tuple(StartUps(warm, tuple(sorted(found))) for warm, found in seconds.items() if found)


def sign_times_of(rows: Sequence[Seat]) -> tuple[SignTime, ...]:
    """The medians, in the signs' order; a sign that no seat showed is left out.

    Network and doors are looked at every few seconds and say nothing of starting up, nor do seats that began again.
    """
    first = [seat for seat in rows if seat.begun_at is not None and not seat.resets]
    found = []
    for sign in READINESS:
        times = [
            (at - seat.begun_at).total_seconds()
            for seat in first
            if seat.begun_at is not None and (at := seat.sign_times[sign]) is not None
        ]
        if times:
            found.append(SignTime(sign, median(times), len(times)))
    return tuple(found)


def proof_of(db: Session, lab_session_id: UUID) -> Proof | None:
    """None before the list was written."""
    actions = ("lab_session.inventory", "lab_session.cleared")
    query = select(AuditEntry).where(AuditEntry.subject_id == str(lab_session_id), AuditEntry.action.in_(actions))
    entries = list(db.scalars(query.order_by(AuditEntry.id)))
    listed = next((entry for entry in entries if entry.action == actions[0]), None)
    if listed is None:
        return None
    hosts = listed.details.get("hosts", {})
    cleared = next((entry for entry in reversed(entries) if entry.action == actions[1]), None)
    kept = {thing for things in listed.details.get("kept", {}).values() for thing in things if thing[:6] == "folder"}
    return Proof(
        listed_at=listed.at,
        listed_entry=listed.id,
        before={host: kinds_of(things) for host, things in sorted(hosts.items())},
        cleared_at=cleared.at if cleared else None,
        cleared_entry=cleared.id if cleared else None,
        silent=tuple(sorted(host for host, things in hosts.items() if things == [SILENT])),
        kept=len(kept & folders_of_seats(db, lab_session_id)),
    )


def folders_of_seats(db: Session, lab_session_id: UUID) -> set[str]:
    return {f"folder {seat_id}" for seat_id in db.scalars(select(Seat.id).where(Seat.lab_session_id == lab_session_id))}


def kinds_of(things: Sequence[str]) -> dict[str, int]:
    """Of lines like "machine 6f0c…"; a host that did not answer has none of them."""
    counts = Counter(thing.partition(" ")[0] for thing in things)
    return {kind: counts[kind] for kind in KINDS}
