"""Lives of classes as nobody would think them up: nothing is ever left, and no reset touches another seat."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update

from portal.backends.fake_cluster import Trouble
from portal.core.errors import Conflict
from portal.core.lifecycle import LabSessionState, SeatState, VmRequestState
from portal.core.naming import vm_id_for
from portal.models import Claim, Host, Keeping, OwnMachine, Student, VmRequest
from portal.services import accounts, claims, class_clock, kept_seats, teaching, vm_requests
from portal.workflows.sequence import Hooks
from tests.workflows.school import School, make_school
from tests.workflows.test_own_machines import approve, ask

HOSTS = ("hv1", "hv2", "hv3")
MINE = "/home/vivero/mine"
OVER = (LabSessionState.ENDED, LabSessionState.CANCELLED)
Begin = Callable[[], School]


class Dead(BaseException):
    """The worker's end."""


@pytest.fixture
def begin(tmp_path: Path, migrated_sqlite: Path, kept_url: str, kept_engine: Engine) -> Begin:
    """A new school in a new database, each time it is called."""
    numbers = iter(range(10**6))

    def fresh() -> School:
        kept_engine.dispose()
        path = Path(str(kept_engine.url.database))
        for old in path.parent.iterdir():
            old.unlink()
        shutil.copy(migrated_sqlite, path)
        return make_school(tmp_path / str(next(numbers)), kept_url, kept_engine)

    return fresh


class Life:
    """One class; what happens to it is named by the methods."""

    def __init__(self, school: School, seats: int, spares: int) -> None:
        self.school = school
        self.class_id = school.book(seats=seats, spares=spares)
        self.came = 0
        self.own: list[tuple[UUID, list[str]]] = []  # requests for own machines, and what their disks had

    def prepare(self, dies_at: int) -> None:
        self.with_deaths(lambda hooks: self.school.prepare(self.class_id, hooks), dies_at)

    def with_deaths(self, work: Callable[[Hooks], str], dies_at: int) -> str:
        """The worker dies at its n-th checkpoint, if it gets there, and another one takes over."""
        left = [dies_at]

        def checkpoint(place: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise Dead

        try:
            return work(Hooks(pause=self.school.wait, checkpoint=checkpoint))
        except Dead:
            return self.school.run()

    def sit_down(self, _number: int) -> None:
        self.came += 1
        self.school.sit_down(self.class_id, f"Student {self.came}")

    def reset(self, number: int) -> None:
        """Everybody has written something; only who begins again loses it."""
        taken = self.school.seats(self.class_id, SeatState.TAKEN, SeatState.READY)
        if not taken:
            return
        seat_id = taken[number % len(taken)].id
        with self.school.cluster.world() as world:
            for machine in world.machines.values():
                machine.files.append(MINE)
        self.with_deaths(lambda hooks: self.school.reset(seat_id, hooks), number)
        with self.school.cluster.world() as world:
            touched = {machine.seat for machine in world.machines.values() if MINE not in machine.files}
        assert touched <= {str(seat_id)}

    def bring(self, _number: int) -> None:
        if self.school.session(self.class_id).state in teaching.ON and self.school.seats(
            self.class_id, SeatState.TAKEN
        ):
            self.school.bring(self.class_id, "done")

    def ask_to_keep(self, number: int) -> None:
        """Somebody asks, if anybody sits; their teacher may agree, for some days."""
        taken = self.school.seats(self.class_id, SeatState.TAKEN)
        if not taken:
            return
        if self.school.session(self.class_id).state == LabSessionState.READY:
            self.school.open(self.class_id)
        with self.school.site.sessions() as db:
            name = db.get_one(Student, taken[number % len(taken)].student_id).name
        keeping_id = self.school.ask_to_keep(self.class_id, name)
        if number % 3:
            self.school.grant(keeping_id, number)

    def keep_on(self, events: list) -> None:
        """After the class: hosts lose power, fall silent and answer, days go by; at last no seat is kept any more."""
        kept = {seat.id for seat in self.school.seats(self.class_id, SeatState.KEPT)}
        with self.school.cluster.world() as world:
            assert {machine.seat for machine in world.machines.values()} == {str(seat_id) for seat_id in kept}
        for happens, number in events:
            happens(self, number)
            self.school.turn_kept(timedelta(days=number / 2))
        for number in range(3):
            self.answer(number)
        for _ in range(5):
            self.school.turn_kept(timedelta(days=15))

    def take_own(self, number: int) -> None:
        """A machine of a kept seat becomes an own one, with what was on its disk, whatever happens meanwhile."""
        with self.school.site.sessions() as db:
            kept = kept_seats.of_class(db, self.class_id)
        if not kept:
            return
        keeping = kept[number % len(kept)]
        try:
            request_id = ask(self.school, self.class_id, keeping.id, f"own-{len(self.own)}")
        except Conflict:  # it was asked for already
            return
        approve(self.school, request_id)
        self.own.append((request_id, self.on_disk(keeping)))
        self.with_deaths(lambda hooks: self.school.run(hooks), number * 2)

    def on_disk(self, keeping: Keeping) -> list[str]:
        """Of the seat's server, also while it is off."""
        assert keeping.seat is not None
        server = str(next(machine.id for machine in keeping.seat.machines if machine.name == "server"))
        with self.school.cluster.world() as world:
            running = world.machines.get(server)
            return running.files if running is not None else world.seats[str(keeping.seat_id)].disks[server]

    def own_machines_are_whole(self) -> None:
        """All that were made are there with their files; they belong to the class no more, and go here."""
        for request_id, files in self.own:
            self.roll_back_failed(request_id)
            with self.school.site.write_sessions.begin() as db:
                row = db.get_one(VmRequest, request_id)
                assert row.state in (VmRequestState.FULFILLED, VmRequestState.CANCELLED)
                claims.release_request(db, row)
            if row.state == VmRequestState.FULFILLED:
                with self.school.cluster.world() as world:
                    assert world.machines.pop(str(vm_id_for(request_id, 0))).files == files
                    del world.copies[str(vm_id_for(request_id, 0))]
        with self.school.cluster.world() as world:
            assert world.copies == {}

    def roll_back_failed(self, request_id: UUID) -> None:
        """One that failed after the copy needs the seat no more: a person decides."""
        with self.school.site.write_sessions.begin() as db:
            row = db.get_one(VmRequest, request_id)
            if row.state != VmRequestState.FAILED:
                return
            assert db.get_one(OwnMachine, request_id).copied_at is not None
            actor, now = accounts.actor_of(row.submitted_by), self.school.now()
            vm_requests.roll_back(db, actor=actor, vm_request_id=request_id, now=now, queue=self.school.queue)
        assert self.school.run() == "cancelled"

    def cut_power(self, number: int) -> None:
        self.school.cluster.cut_power(HOSTS[number % 3])

    def silence(self, number: int) -> None:
        self.school.cluster.trouble(HOSTS[number % 3], Trouble.HOST_DOWN)

    def answer(self, number: int) -> None:
        """As the worker's next look at the host finds it."""
        host = HOSTS[number % 3]
        self.school.cluster.trouble(host)
        with self.school.site.write_sessions.begin() as db:
            db.execute(update(Host).where(Host.name == host).values(trouble=""))

    def end(self) -> None:
        """By its teacher; what a silent host keeps is taken away when it answers again."""
        self.school.end(self.class_id)
        for number in range(3):
            self.answer(number)
        for _ in range(3):
            self.school.wait(120)
            with self.school.site.write_sessions.begin() as db:
                begun = class_clock.end_due(db, queue=self.school.queue, now=self.school.now())
            if begun:
                self.school.run()


WHAT = st.tuples(
    st.sampled_from(
        (Life.sit_down, Life.sit_down, Life.ask_to_keep, Life.reset, Life.bring, Life.silence, Life.answer)
    ),
    st.integers(0, 7),
)
AFTER = st.tuples(st.sampled_from((Life.silence, Life.answer, Life.cut_power, Life.take_own)), st.integers(0, 7))


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seats=st.integers(1, 3),
    spares=st.integers(0, 1),
    before=st.lists(st.tuples(st.just(Life.silence), st.integers(0, 2)), max_size=2),
    dies_at=st.integers(0, 12),
    events=st.lists(WHAT, max_size=6),
    after=st.lists(AFTER, max_size=4),
)
def test_whatever_happens_to_a_class_nothing_of_it_is_left(
    begin: Begin, seats: int, spares: int, before: list, dies_at: int, events: list, after: list
) -> None:
    life = Life(begin(), seats, spares)
    for happens, number in before:
        happens(life, number)
    life.prepare(dies_at)
    for happens, number in events:
        happens(life, number)
    life.end()
    life.keep_on(after)
    life.own_machines_are_whole()
    assert life.school.is_empty()
    assert life.school.session(life.class_id).state in OVER
    assert {seat.state for seat in life.school.seats(life.class_id, *SeatState)} <= {SeatState.GONE}
    with life.school.site.sessions() as db:
        assert list(db.scalars(select(Claim))) == []
