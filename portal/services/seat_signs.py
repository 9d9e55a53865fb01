"""What is seen of the seats of classes: looked at host by host, beside other work, and written down if it is new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from portal.core.errors import Phrase
from portal.core.labs import LabSpec
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.seat_signs import WITHOUT, Sign, SignSeen, Traits, first_trouble, read_signs, words_of
from portal.core.templates import ReadyBy, TemplateSpec, spec_from_data
from portal.interfaces import Doors, HostAddress, Hypervisor
from portal.models import LabSession, Seat, Template
from portal.services import seats
from portal.services.lab_specs import spec_of
from portal.services.seat_designs import door_name

WATCHED = (LabSessionState.PREPARING, LabSessionState.READY, LabSessionState.RUNNING)
AT_WORK = (SeatState.READY, SeatState.TAKEN)
SETTLED = timedelta(seconds=3)  # after a seat is ready: whatever makes its neighbours ready goes first
FRESH = timedelta(minutes=1)  # so long it is looked at each time while something is not seen yet


@dataclass(frozen=True)
class Marks:
    """What is known of a seat: signs seen at least once, and who lacked one at the last look."""

    seen: frozenset[Sign]
    lacks: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Watched:
    """A seat to look at. `doors` are those never seen open: the lab's name by the host's.

    `settled`: its network may be looked at; `fresh`: something of that is still to be seen for the first time.
    """

    seat_id: UUID
    lab_session_id: UUID
    fencing: int
    state: SeatState
    machines: Mapping[UUID, str]
    doors: Mapping[str, str]
    settled: bool
    fresh: bool
    marks: Marks


@dataclass(frozen=True)
class News:
    """A look at one seat that has found something else than what is written."""

    watched: Watched
    marks: Marks

    @property
    def gives_up(self) -> bool:
        is_free = self.watched.state == SeatState.READY
        return is_free and all(Sign.RUNNING in marks.lacks for marks in (self.watched.marks, self.marks))


def traits_of(db: Session, spec: LabSpec) -> Traits:
    """By the lab, and by how its templates answer today."""
    wanted = {machine.template for machine in spec.machines}
    rows = db.execute(select(Template.slug, Template.spec).where(Template.slug.in_(wanted)))
    specs = [spec_from_data(row.spec) for row in rows if row.spec]
    return Traits(
        agent=all(has_agent(one) and one.ready.by != ReadyBy.TCP for one in specs),
        answers=any(has_agent(one) or one.ready.by != ReadyBy.AGENT for one in specs) or not specs,
        network=any(machine.addresses for machine in spec.machines),
        doors=bool(spec.doors),
    )


def has_agent(spec: TemplateSpec) -> bool:
    """It has the devices that an agent needs."""
    return "virtio" in (spec.hardware.disk_bus, spec.hardware.nic_model)


def signs_of(seat: Seat, traits: Traits) -> tuple[SignSeen, ...]:
    given_up = seat.state == SeatState.REPLACED or bool(seat.trouble)
    return read_signs(seat.sign_times, seat.lacks, traits, given_up=given_up)


def why_not(seat: Seat, signs: tuple[SignSeen, ...]) -> Phrase | None:
    """In the teacher's words what keeps this seat from serving; None if nothing does."""
    if seat.trouble:
        return Phrase(seat.trouble, seat.trouble_params)
    found = first_trouble(signs)
    return words_of(found) if found is not None else None


def to_watch(db: Session, now: datetime) -> dict[HostAddress, list[Watched]]:
    """Seats whose machines run or are being made for the first time; a reset throws its old machines away first."""
    classes = {row.id: row for row in db.scalars(select(LabSession).where(LabSession.state.in_(WATCHED)))}
    if not classes:
        return {}
    versions = {row.lab_version_id: row.lab_version for row in classes.values()}
    specs = {version_id: spec_of(version) for version_id, version in versions.items()}
    first_making = (Seat.state == SeatState.BUILDING) & (Seat.resets == 0)
    query = select(Seat).where(
        Seat.lab_session_id.in_(classes), Seat.host_id.is_not(None), or_(Seat.state.in_(AT_WORK), first_making)
    )
    found: dict[HostAddress, list[Watched]] = {}
    for seat in db.scalars(query.order_by(Seat.number)):
        spec = specs[classes[seat.lab_session_id].lab_version_id]
        if seat.host is not None:
            found.setdefault(seat.host.reached_at, []).append(watched(seat, spec, now))
    return found


def watched(seat: Seat, spec: LabSpec, now: datetime) -> Watched:
    marks = Marks(
        frozenset(sign for sign, at in seat.sign_times.items() if at is not None),
        {sign: tuple(names) for sign, names in seat.lacks.items()},
    )
    doors = {door_name(door.machine, door.port): door.name for door in spec.doors}
    if Sign.DOORS in marks.lacks:
        doors = {host: name for host, name in doors.items() if name in marks.lacks[Sign.DOORS]}
    ready_at = seat.ready_at if seat.state in AT_WORK else None
    waits = Sign.NETWORK not in marks.seen or (bool(doors) and Sign.DOORS not in marks.seen)
    return Watched(
        seat_id=seat.id,
        lab_session_id=seat.lab_session_id,
        fencing=seat.fencing,
        state=seat.state,
        machines={machine.id: machine.name for machine in seat.machines},
        doors={} if Sign.DOORS in marks.seen else doors,
        settled=ready_at is not None and ready_at + SETTLED <= now,
        fresh=ready_at is not None and ready_at + FRESH > now and waits,
        marks=marks,
    )


def look_at(
    hypervisor: Hypervisor, doors: Doors, host: HostAddress, there: Collection[Watched], *, whole: bool
) -> dict[UUID, Marks]:
    """All seats of one host in two questions. `whole`: into all networks, not only into those of fresh seats."""
    running = hypervisor.running(host)
    into = {one.seat_id: tuple(one.doors) for one in there if one.settled and (whole or one.fresh)}
    reaches = doors.look_in(host, into) if into else {}
    found = {}
    for one in there:
        marks = with_power(one, running)
        reach = reaches.get(one.seat_id)
        if reach is not None:
            marks = with_network(one, marks, silent=reach.silent, opened=reach.open)
        found[one.seat_id] = marks
    return found


def with_power(one: Watched, running: frozenset[UUID]) -> Marks:
    """While a seat is made, "not yet" is no news; what its host shows running is."""
    stopped = tuple(sorted(name for vm_id, name in one.machines.items() if vm_id not in running))
    if stopped and one.state == SeatState.BUILDING:
        return one.marks
    seen = one.marks.seen if stopped else one.marks.seen | {Sign.CLONED, Sign.RUNNING}
    return Marks(seen, lacking(one.marks.lacks, Sign.RUNNING, stopped))


def with_network(one: Watched, marks: Marks, *, silent: Iterable[str], opened: Collection[str]) -> Marks:
    """A machine that does not run is not missed in its network as well."""
    missed = tuple(sorted(set(silent) - set(marks.lacks.get(Sign.RUNNING, ()))))
    shut = tuple(sorted(name for host, name in one.doors.items() if host not in opened))
    lacks = lacking(lacking(marks.lacks, Sign.NETWORK, missed), Sign.DOORS, shut)
    seen = set(marks.seen)
    if not missed and Sign.RUNNING not in lacks:
        seen.add(Sign.NETWORK)
    if one.doors and not shut:
        seen.add(Sign.DOORS)
    return replace(marks, seen=frozenset(seen), lacks=lacks)


def lacking(lacks: Mapping[str, tuple[str, ...]], sign: Sign, names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    others = {key: value for key, value in lacks.items() if key != sign}
    return {**others, str(sign): names} if names else others


def news_of(there: Iterable[Watched], found: Mapping[UUID, Marks]) -> list[News]:
    """What is to be written: mostly nothing."""
    news = (News(one, found[one.seat_id]) for one in there if one.seat_id in found)
    return [one for one in news if one.marks != one.watched.marks or one.gives_up]


def note(db: Session, news: Sequence[News], now: datetime) -> None:
    """Write it down if the seat is still the one that was looked at. What somebody else holds waits for the next look.

    A free seat that is seen without one of its machines twice is given up: nobody is to sit down there.
    """
    for lab_session_id in {one.watched.lab_session_id for one in news}:
        by_seat = {one.watched.seat_id: one for one in news if one.watched.lab_session_id == lab_session_id}
        changed = False
        for seat in held(db, lab_session_id, by_seat):
            one = by_seat[seat.id]
            if (seat.state, seat.fencing) == (one.watched.state, one.watched.fencing):
                write(seat, one.marks, now)
                changed = True
                if one.gives_up:
                    stopped: dict[str, object] = {"machine": one.marks.lacks[Sign.RUNNING][0]}
                    seats.replace_seat(db, seat, WITHOUT[Sign.RUNNING], stopped, now)
        if changed:
            seats.bump(db, lab_session_id)


def held(db: Session, lab_session_id: UUID, seat_ids: Collection[UUID]) -> list[Seat]:
    """Locked rows; nobody is waited for, so nobody can wait for us in a circle."""
    session = select(LabSession.id).where(LabSession.id == lab_session_id, LabSession.state.in_(WATCHED))
    if db.scalar(session.with_for_update(skip_locked=True)) is None:
        return []
    rows = select(Seat).where(Seat.id.in_(seat_ids)).execution_options(populate_existing=True)
    return list(db.scalars(rows.with_for_update(of=Seat, skip_locked=True)))


def write(seat: Seat, marks: Marks, now: datetime) -> None:
    """`ready_at` is the workflow's to set."""
    if Sign.CLONED in marks.seen:
        seat.cloned_at = seat.cloned_at or seat.ready_at or now
    if Sign.RUNNING in marks.seen:
        seat.running_at = seat.running_at or seat.ready_at or now
    if Sign.NETWORK in marks.seen:
        seat.network_at = seat.network_at or now
    if Sign.DOORS in marks.seen:
        seat.doors_at = seat.doors_at or now
    seat.lacks = {sign: list(names) for sign, names in marks.lacks.items()}
