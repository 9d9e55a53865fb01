"""The signs of a class's seats on the cluster that is not there: each seen by itself, each missing with its reason."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from portal.backends.fake_cluster import Ailment, Trouble
from portal.core.labs import LabDoor
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.seat_signs import How, Sign
from portal.core.templates import Ready, ReadyBy, Words
from portal.models import LabSession, Seat, Template
from portal.services import seat_signs
from portal.services.boards import board_of
from portal.worker.seat_watch import SeatLooks
from portal.workflows.seat_waiting import Guest, Round
from portal.workflows.seat_watching import SeatWatch
from tests.workflows.school import School, school

__all__ = ["school"]  # a fixture

READY = Ready(ReadyBy.AGENT, 60)
DOOR = LabDoor("page", Words("Página", "Page"), "server", 80)


@pytest.fixture
def looks(school: School) -> SeatLooks:
    return SeatLooks(clock=lambda: school.clock[0])


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits here waits by the real clock."""
    monkeypatch.setattr("portal.workflows.seat_making.all_within", lambda design, warm: 0.5)


def look(school: School, looks: SeatLooks, times: int = 1) -> None:
    for _ in range(times):
        school.wait(6)
        looks.look(school.site)


def let_agents_answer(school: School) -> None:
    """Not the port that the door leads to."""
    with school.site.write_sessions.begin() as db:
        row = db.get_one(Template, "dokuwiki")
        assert row.spec is not None
        row.spec = {**row.spec, "ready": {**row.spec["ready"], "by": "agent"}}


def signs(school: School, class_id: UUID, number: int = 1) -> dict[Sign, How]:
    with school.site.sessions() as db:
        lab_session = db.get_one(LabSession, class_id)
        traits = seat_signs.traits_of(db, board_of(db, lab_session, school.site.clock()).spec)
        seat = db.query(Seat).where(Seat.lab_session_id == class_id, Seat.number == number).one()
        return {one.sign: one.how for one in seat_signs.signs_of(seat, traits)}


def seat(school: School, class_id: UUID, number: int = 1) -> Seat:
    return next(one for one in school.seats(class_id, *SeatState) if one.number == number)


def reason(school: School, class_id: UUID, number: int = 1) -> str:
    row = seat(school, class_id, number)
    return row.trouble % row.trouble_params


def test_a_ready_seat_has_shown_the_three_signs_of_readiness_with_their_times(school: School) -> None:
    class_id = school.book(seats=1, spares=0)
    school.prepare(class_id)
    row = seat(school, class_id)
    times = [row.begun_at, row.cloned_at, row.running_at, row.ready_at]
    assert None not in times
    assert times == sorted(times)  # type: ignore[type-var]
    assert (row.network_at, row.doors_at, row.lacks) == (None, None, {})


def test_network_and_doors_are_seen_afterwards(school: School, looks: SeatLooks) -> None:
    class_id = school.book(seats=2, spares=0, doors=(DOOR,))
    school.prepare(class_id)
    assert signs(school, class_id)[Sign.NETWORK] == How.NOT_YET
    look(school, looks)
    assert set(signs(school, class_id).values()) == {How.SEEN}


def test_a_lab_without_doors_has_no_such_sign(school: School, looks: SeatLooks) -> None:
    class_id = school.book(seats=1, spares=0)
    school.prepare(class_id)
    look(school, looks)
    assert (signs(school, class_id)[Sign.DOORS], signs(school, class_id)[Sign.NETWORK]) == (How.NONE, How.SEEN)


def test_a_shut_door_is_no_failure_and_is_seen_when_it_opens(school: School, looks: SeatLooks) -> None:
    class_id = school.book(seats=1, spares=0, doors=(DOOR,))
    let_agents_answer(school)
    school.cluster.ail("-01-server", Ailment.SHUT)
    assert school.prepare(class_id) == "done"
    look(school, looks, times=3)
    assert signs(school, class_id)[Sign.DOORS] == How.NOT_YET
    assert (seat(school, class_id).state, seat(school, class_id).lacks) == (SeatState.READY, {"doors": ["page"]})
    school.cluster.ail("-01-server")
    look(school, looks)
    assert signs(school, class_id)[Sign.DOORS] == How.SEEN


@pytest.mark.parametrize(
    ("ailment", "stuck", "said"),
    [
        (Ailment.UNMADE, Sign.CLONED, "Its host said: the simulator was told to let this machine fail"),
        (Ailment.STOPPED, Sign.RUNNING, "Its machine client does not run."),
        (Ailment.SILENT, Sign.ANSWERS, "Its machine client runs but does not answer."),
    ],
)
def test_a_seat_that_fails_says_where_and_another_stands_in(
    school: School, ailment: Ailment, stuck: Sign, said: str
) -> None:
    class_id = school.book(seats=2, spares=0)
    school.cluster.ail("-01-client", ailment)
    assert school.prepare(class_id) == "done"
    assert [one.number for one in school.seats(class_id, SeatState.READY)] == [2, 3]
    assert reason(school, class_id) == said
    shown = signs(school, class_id)
    assert [sign for sign, how in shown.items() if how == How.FAILED] == [stuck]
    assert seat(school, class_id).replaced_at is not None
    after = list(Sign)[list(Sign).index(stuck) + 1 :]
    assert {shown[sign] for sign in after} == {How.NONE}


def test_a_seat_that_is_alone_on_its_host_and_stops_does_not_run(school: School) -> None:
    class_id = school.book(seats=2, spares=0)
    school.cluster.ail("-01-", Ailment.STOPPED)
    assert school.prepare(class_id) == "done"
    assert reason(school, class_id) == "Its machine server does not run."


def test_of_a_host_that_went_silent_nobody_says_that_its_machines_run(school: School) -> None:
    class_id = school.book(seats=2, spares=0)
    school.prepare(class_id)
    row = seat(school, class_id)
    assert row.host is not None
    guests = [Guest(row.id, one.id, row.host.reached_at, READY, True, None, True) for one in row.machines]
    watch = SeatWatch(guests, {one.id: one.name for one in row.machines})
    watch.see(Round(guests, {}))
    assert watch.trouble_of(row.id) is None


def test_a_machine_without_network_is_shown_and_the_seat_stays(school: School, looks: SeatLooks) -> None:
    class_id = school.book(seats=1, spares=0)
    school.prepare(class_id)
    look(school, looks)
    school.cluster.ail("-01-server", Ailment.UNPLUGGED)
    look(school, looks, times=6)
    assert signs(school, class_id)[Sign.NETWORK] == How.LOST
    assert seat(school, class_id).state == SeatState.READY
    school.cluster.ail("-01-server")
    look(school, looks, times=6)
    assert signs(school, class_id)[Sign.NETWORK] == How.SEEN


def test_a_free_seat_whose_machine_died_is_given_up_at_the_second_look(school: School, looks: SeatLooks) -> None:
    class_id = school.book(seats=1, spares=1)
    school.prepare(class_id)
    school.cluster.ail("-01-server", Ailment.STOPPED)
    look(school, looks)
    assert (seat(school, class_id).state, signs(school, class_id)[Sign.RUNNING]) == (SeatState.READY, How.LOST)
    look(school, looks)
    assert reason(school, class_id) == "Its machine server does not run."
    assert school.sit_down(class_id, "Ada") == seat(school, class_id, 2).id


def test_the_seat_of_a_student_is_shown_and_never_taken_away(school: School, looks: SeatLooks) -> None:
    class_id = school.book(seats=1, spares=1)
    school.prepare(class_id)
    school.sit_down(class_id, "Ada")
    school.cluster.ail("-01-server", Ailment.STOPPED)
    look(school, looks, times=3)
    assert (seat(school, class_id).state, seat(school, class_id).lacks) == (SeatState.TAKEN, {"running": ["server"]})


def test_a_seat_that_begins_again_shows_its_signs_anew(school: School, looks: SeatLooks) -> None:
    class_id = school.book(seats=1, spares=0)
    school.prepare(class_id)
    look(school, looks)
    before = seat(school, class_id)
    school.reset(before.id)
    assert (seat(school, class_id).network_at, seat(school, class_id).running_at) == (None, None)
    look(school, looks)
    again, once = seat(school, class_id).network_at, before.network_at
    assert again is not None
    assert once is not None
    assert again > once


def test_a_silent_host_says_nothing_of_its_seats(school: School, looks: SeatLooks) -> None:
    class_id = school.book(seats=3, spares=0)
    school.prepare(class_id)
    silent = seat(school, class_id).host
    assert silent is not None
    school.cluster.trouble(silent.name, Trouble.HOST_DOWN)
    look(school, looks)
    with_network = {one.host.name for one in school.seats(class_id) if one.host and one.network_at}
    assert with_network == {"hv1", "hv2", "hv3"} - {silent.name}
    assert all(not one.lacks for one in school.seats(class_id))


def test_looks_ask_each_host_twice_however_many_seats_it_has(
    school: School, looks: SeatLooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_id, asked = school.book(seats=9, spares=0, doors=(DOOR,)), []
    school.prepare(class_id)
    for backend, name in ((school.site.hypervisor, "running"), (school.site.doors, "look_in")):
        count(asked, monkeypatch, backend, name)
    look(school, looks)
    assert sorted(asked) == ["look_in"] * 3 + ["running"] * 3
    asked.clear()
    look(school, looks, times=3)
    assert asked == ["running"] * 9  # networks that were seen are looked at again after half a minute


def count(asked: list[str], monkeypatch: pytest.MonkeyPatch, backend: object, name: str) -> None:
    real = getattr(backend, name)

    def counting(*given: object, **named: object) -> object:
        asked.append(name)
        return real(*given, **named)

    monkeypatch.setattr(backend, name, counting)


def test_what_its_host_shows_running_is_seen_while_the_seat_is_still_being_made(
    school: School, looks: SeatLooks
) -> None:
    class_id = school.book(seats=1, spares=0)
    school.prepare(class_id)
    with school.site.write_sessions.begin() as db:  # as if its host had not answered yet
        row = db.query(Seat).where(Seat.lab_session_id == class_id).one()
        row.state, row.ready_at = SeatState.BUILDING, None
        row.forget_signs()
        db.get_one(LabSession, class_id).state = LabSessionState.PREPARING
    look(school, looks)
    seen = {sign for sign, how in signs(school, class_id).items() if how == How.SEEN}
    assert seen == {Sign.CLONED, Sign.RUNNING}


def test_nothing_is_looked_at_before_a_class_is_prepared_and_after_its_end(school: School) -> None:
    class_id = school.book(seats=1, spares=0)
    with school.site.sessions() as db:
        assert seat_signs.to_watch(db, school.now()) == {}
    school.prepare(class_id)
    with school.site.sessions() as db:
        assert len(seat_signs.to_watch(db, school.now())) == 1
    school.end(class_id)
    with school.site.sessions() as db:
        assert seat_signs.to_watch(db, school.now() + timedelta(minutes=1)) == {}
