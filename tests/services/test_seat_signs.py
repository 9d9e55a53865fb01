"""What a look found is written down on both databases, unless the seat is another one by now or somebody holds it."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.seat_signs import Sign
from portal.interfaces import SeatReach
from portal.models import LabSession, Seat
from portal.models.database import make_write_sessions
from portal.services import seat_signs
from portal.services.seat_signs import Marks, News, Watched
from tests.factories import make_host, make_lab_session, make_seat
from tests.factories.moments import NOW


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def lab_session(db: Session) -> LabSession:
    row, host = make_lab_session(db), make_host(db)
    for number in (1, 2):
        make_seat(db, row, number=number, host_id=host.id)
    db.commit()
    return row


def watched(db: Session) -> list[Watched]:
    (there,) = seat_signs.to_watch(db, NOW).values()
    return there


class AllWell:
    """Hypervisor and doors of a host where everything runs and answers, but for these machines."""

    def __init__(self, there: list[Watched], *stopped: UUID) -> None:
        self.there, self.stopped = there, set(stopped)

    def running(self, host: object) -> frozenset[UUID]:
        return frozenset({vm_id for one in self.there for vm_id in one.machines} - self.stopped)

    def look_in(self, host: object, doors: dict[UUID, object]) -> dict[UUID, SeatReach]:
        return dict.fromkeys(doors, SeatReach())


def news(there: list[Watched], *stopped: UUID) -> list[News]:
    well = AllWell(there, *stopped)
    found = seat_signs.look_at(well, well, None, there, whole=True)  # type: ignore[arg-type]
    return seat_signs.news_of(there, found)


def seats(db: Session) -> list[Seat]:
    return list(db.scalars(select(Seat).order_by(Seat.number)))


def test_what_is_new_is_written_once_and_pages_hear_of_it(db: Session, lab_session: LabSession) -> None:
    before = lab_session.revision
    seat_signs.note(db, news(watched(db)), NOW)
    db.commit()
    assert [(seat.cloned_at, seat.running_at) for seat in seats(db)] == [(NOW, NOW)] * 2
    assert (lab_session.revision, news(watched(db))) == (before + 1, [])


def test_a_seat_that_was_made_anew_meanwhile_is_left_alone(db: Session, lab_session: LabSession) -> None:
    found = news(watched(db))
    seats(db)[0].fencing += 1
    seats(db)[1].state = SeatState.TAKEN
    seat_signs.note(db, found, NOW)
    assert [seat.running_at for seat in seats(db)] == [None, None]


def test_a_class_that_has_ended_meanwhile_is_left_alone(db: Session, lab_session: LabSession) -> None:
    found = news(watched(db))
    lab_session.state = LabSessionState.ENDED
    db.flush()
    seat_signs.note(db, found, NOW)
    assert [seat.running_at for seat in seats(db)] == [None, None]


def test_a_free_seat_is_given_up_when_two_looks_miss_the_same_sign(db: Session, lab_session: LabSession) -> None:
    machine = seats(db)[0].machines[0].id
    for expected in (SeatState.READY, SeatState.REPLACED):
        seat_signs.note(db, news(watched(db), machine), NOW)
        db.commit()
        assert [seat.state for seat in seats(db)] == [expected, SeatState.READY]
    assert (seats(db)[0].trouble_params, seats(db)[0].replaced_at) == ({"machine": "server"}, NOW)


def test_nobody_is_waited_for(db: Session, engine: Engine, lab_session: LabSession) -> None:
    """Whoever resets a seat holds it; the look writes down the others."""
    if engine.dialect.name == "sqlite":
        return  # one writes at a time
    found = news(watched(db))
    db.commit()
    with make_write_sessions(engine)() as other:
        other.scalars(select(Seat).where(Seat.number == 1).with_for_update(of=Seat)).one()
        seat_signs.note(db, found, NOW)
        db.commit()
    assert [seat.running_at for seat in seats(db)] == [None, NOW]


def test_a_machine_that_does_not_run_is_not_missed_in_its_network_as_well(db: Session, lab_session: LabSession) -> None:
    one = watched(db)[0]
    stopped = Marks(frozenset({Sign.CLONED}), {"running": ("server",)})
    marks = seat_signs.with_network(one, stopped, silent={"server"}, opened=())
    assert (marks.lacks, Sign.NETWORK in marks.seen) == ({"running": ("server",)}, False)
