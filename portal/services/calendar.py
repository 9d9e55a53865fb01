"""What accepted classes hold of the cluster, and when: read by whoever gives room to a class or to a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.orm import Session

from portal.core.calendar import LEAD, TIDYING, Booking, licence_peak
from portal.core.lifecycle import KeepingState, LabSessionState
from portal.core.quota import Amount
from portal.models import Keeping, LabSession, LabTrial, LabVersion, Rehearsal

MADE = (LabSessionState.PREPARING, LabSessionState.READY, LabSessionState.RUNNING)
OPEN = (LabSessionState.BOOKED, *MADE)
KEPT_ROOM = (KeepingState.GRANTED, KeepingState.KEPT)  # seats whose room is promised beyond their class
LONE_SEAT = timedelta(minutes=30)  # a rehearsal, and a lab's trial, holds one seat for so long, at most
COLUMNS = (
    LabSession.id,
    LabSession.state,
    LabSession.starts_at,
    LabSession.ends_at,
    LabSession.prepare_at,
    LabSession.seats,
    LabSession.spares,
    LabSession.seat_vcpus,
    LabSession.seat_memory_mib,
    LabSession.seat_disk_gib,
    LabSession.lab_version_id,
)


def bookings(
    db: Session, *, since: datetime | None = None, until: datetime | None = None, licences: bool = False
) -> list[Booking]:
    """What open classes hold between these moments (None: no bound), their preparation and tidying included.

    A class that has been made and is not ended holds its room, also when its time is over. One that was ended is not
    here: until they are gone its seats stand as claims. Rehearsals and trials of labs that go on hold one seat each,
    and so does each seat that is kept after its class.
    `licences` reads them too, which costs one more query.
    """
    query = select(*COLUMNS).where(LabSession.state.in_(OPEN))
    if since is not None:
        query = query.where(or_(LabSession.ends_at > since - TIDYING, LabSession.state.in_(MADE)))
    if until is not None:
        query = query.where(LabSession.starts_at < until + LEAD)
    rows = db.execute(query).all()
    by_version = licences_by_version(db, {row.lab_version_id for row in rows}) if licences and rows else {}
    classes = [booking_of(row, since, by_version.get(row.lab_version_id, {})) for row in rows]
    beside = lone_seats(db, since=since, until=until, licences=licences)
    return [*classes, *beside, *kept_seats(db, since=since, until=until, licences=licences)]


def booking_of(row: Row[*tuple[Any, ...]], since: datetime | None, licences: Mapping[str, int]) -> Booking:
    ends_at = row.ends_at if since is None or row.state not in MADE else max(row.ends_at, since)
    return Booking(
        row.id,
        row.prepare_at or row.starts_at - LEAD,
        ends_at + TIDYING,
        Amount(0, row.seat_vcpus, row.seat_memory_mib, row.seat_disk_gib),
        row.seats + row.spares,
        licences,
    )


def lone_seats(db: Session, *, since: datetime | None, until: datetime | None, licences: bool) -> list[Booking]:
    """Of rehearsals and trials: one seat each. One that takes too long holds it nevertheless."""
    rows = [row for query in (rehearsals_going_on(), trials_going_on()) for row in db.execute(begun(query, until))]
    by_version = licences_by_version(db, {row.lab_version_id for row in rows}) if licences and rows else {}
    return [lone_seat_of(row, since, by_version.get(row.lab_version_id, {})) for row in rows]


def rehearsals_going_on() -> Select[*tuple[Any, ...]]:
    own = (Rehearsal.id, Rehearsal.asked_at.label("asked_at"))
    seat = (LabSession.seat_vcpus, LabSession.seat_memory_mib, LabSession.seat_disk_gib, LabSession.lab_version_id)
    query = select(*own, *seat).join(LabSession, LabSession.id == Rehearsal.lab_session_id)
    return query.where(Rehearsal.ended_at.is_(None), LabSession.state.in_(OPEN))


def trials_going_on() -> Select[*tuple[Any, ...]]:
    own = (LabTrial.id, LabTrial.asked_at.label("asked_at"))
    seat = (LabTrial.seat_vcpus, LabTrial.seat_memory_mib, LabTrial.seat_disk_gib, LabTrial.lab_version_id)
    return select(*own, *seat).where(LabTrial.ended_at.is_(None))


def begun(query: Select[*tuple[Any, ...]], until: datetime | None) -> Select[*tuple[Any, ...]]:
    return query if until is None else query.where(query.selected_columns["asked_at"] < until)


def lone_seat_of(row: Row[*tuple[Any, ...]], since: datetime | None, licences: Mapping[str, int]) -> Booking:
    ends_at = row.asked_at + LONE_SEAT if since is None else max(row.asked_at + LONE_SEAT, since + TIDYING)
    seat = Amount(0, row.seat_vcpus, row.seat_memory_mib, row.seat_disk_gib)
    return Booking(row.id, row.asked_at, ends_at, seat, 1, licences)


def kept_seats(db: Session, *, since: datetime | None, until: datetime | None, licences: bool) -> list[Booking]:
    """One seat each, from the end of its class (which holds it until then) to the end of its keeping."""
    query = (
        select(Keeping.id.label("keeping_id"), Keeping.until_at, Keeping.state.label("kept"), LabSession.ended_at)
        .add_columns(*COLUMNS)
        .join(LabSession, LabSession.id == Keeping.lab_session_id)
        .where(Keeping.state.in_(KEPT_ROOM))
    )
    if since is not None:
        query = query.where(or_(Keeping.until_at > since - TIDYING, Keeping.state == KeepingState.KEPT))
    if until is not None:
        query = query.where(LabSession.ends_at < until)
    rows = db.execute(query).all()
    by_version = licences_by_version(db, {row.lab_version_id for row in rows}) if licences and rows else {}
    return [kept_seat(row, since, by_version.get(row.lab_version_id, {})) for row in rows]


def kept_seat(row: Row[*tuple[Any, ...]], since: datetime | None, licences: Mapping[str, int]) -> Booking:
    starts_at = row.ends_at + TIDYING if row.state in OPEN else row.ended_at or row.ends_at
    ends_at = row.until_at if since is None or row.kept != KeepingState.KEPT else max(row.until_at, since)
    seat = Amount(0, row.seat_vcpus, row.seat_memory_mib, row.seat_disk_gib)
    return Booking(row.keeping_id, starts_at, ends_at + TIDYING, seat, 1, licences)


def licences_by_version(db: Session, versions: Iterable[UUID]) -> dict[UUID, Counter[str]]:
    """How many machines of each template one seat has, by version of a lab."""
    query = select(LabVersion.id, LabVersion.spec["machines"]).where(LabVersion.id.in_(versions))
    return {id: Counter(machine["template"] for machine in machines) for id, machines in db.execute(query)}


def licences_promised(db: Session, template: str, now: datetime | None = None) -> int:
    """The most licences of this template that classes need at one moment."""
    classes = bookings(db, since=now, licences=True)
    first = min((booking.starts_at for booking in classes), default=None)
    return licence_peak(classes, now or first, template) if first is not None else 0
