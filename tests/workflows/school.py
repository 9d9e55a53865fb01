"""A school on a cluster that is not there: classes are prepared, reset and ended by the real sequences."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, update

from portal.backends.doors_fake import FakeDoors
from portal.backends.fake_cluster import FakeCluster
from portal.backends.hypervisor_fake import FakeHypervisor
from portal.backends.lab_reader_yaml import YamlLabReader
from portal.backends.playbooks_fake import FakePlaybooks
from portal.core.lifecycle import LabSessionState, SeatState
from portal.models import Keeping, LabSession, Seat, Student, Template, TemplateVersion
from portal.models.database import make_sessions, make_write_sessions
from portal.services import accounts, keepings, restarts, seats, teaching
from portal.services.keepings import Terms
from portal.site import Site
from portal.worker import periodic
from portal.workflows.sequence import Hooks
from tests.factories.classes import make_lab_session, make_lab_version, make_student, template_version_of
from tests.factories.cluster import make_host
from tests.factories.moments import NOW
from tests.workflows.conftest import NoMailer, RememberingQueue, make_settings, run_newest
from tests.workflows.doubles import NoNetwork

BEGIN = 1_000_000.0
TERMS = Terms(most_days=14)
SHOWN = (SeatState.BUILDING, SeatState.READY, SeatState.TAKEN)


@dataclass
class School:
    """`seconds` is the hosts' clock: whoever waits moves it."""

    site: Site
    cluster: FakeCluster
    queue: RememberingQueue
    clock: list[float] = field(default_factory=lambda: [BEGIN])

    def book(self, *, seats: int = 2, spares: int = 1, **lab: Any) -> UUID:
        """`lab`: what its lab says otherwise."""
        with self.site.write_sessions.begin() as db:
            template_version_of(db, "dokuwiki")
            lab_session = make_lab_session(
                db,
                lab_version=make_lab_version(db, **lab),
                state=LabSessionState.BOOKED,
                seats=seats,
                spares=spares,
                starts_at=NOW,
                ends_at=NOW + timedelta(hours=1),
                prepare_at=NOW,
            )
            return lab_session.id

    def now(self) -> datetime:
        """Later each time it is asked."""
        self.wait(1)
        return self.site.clock()

    def prepare(self, lab_session_id: UUID, hooks: Hooks | None = None) -> str:
        with self.site.write_sessions.begin() as db:
            lab_session = db.get_one(LabSession, lab_session_id)
            teaching.prepare(db, lab_session=lab_session, queue=self.queue, now=self.now(), by=None)
        return self.run(hooks)

    def end(self, lab_session_id: UUID) -> str:
        with self.site.write_sessions.begin() as db:
            lab_session = db.get_one(LabSession, lab_session_id)
            teaching.end_class(db, actor=None, lab_session=lab_session, queue=self.queue, now=self.now())
        return self.run()

    def ask_to_keep(self, lab_session_id: UUID, name: str) -> UUID:
        """What somebody asks; who teaches the class has to decide."""
        with self.site.write_sessions.begin() as db:
            student = db.query(Student).where(Student.lab_session_id == lab_session_id, Student.name == name).one()
            return keepings.ask(db, student=student, words="", now=self.now()).id

    def grant(self, keeping_id: UUID, days: int = 7) -> None:
        with self.site.write_sessions.begin() as db:
            actor = accounts.actor_of(db.get_one(Keeping, keeping_id).lab_session.teacher)
            keepings.grant(db, actor=actor, keeping_id=keeping_id, days=days, terms=TERMS, now=self.now())

    def open(self, lab_session_id: UUID) -> None:
        with self.site.write_sessions.begin() as db:
            teaching.begin(db, db.get_one(LabSession, lab_session_id), by=None, now=self.now())

    def keeping(self, keeping_id: UUID) -> Keeping:
        with self.site.sessions() as db:
            return db.get_one(Keeping, keeping_id)

    def turn_kept(self, after: timedelta = timedelta(0)) -> list[str]:
        """The clock goes on, and what it begins for kept seats is carried out; how each of it ended."""
        self.wait(after.total_seconds())
        before = len(self.queue.enqueued)
        periodic.end_kept_seats(self.site)
        periodic.look_at_kept_seats(self.site)
        return [self.run(entry=entry) for entry in self.queue.enqueued[before:]]

    def reset(self, seat_id: UUID, hooks: Hooks | None = None, step: str = "") -> str:
        with self.site.write_sessions.begin() as db:
            restarts.begin_again(
                db, seat=db.get_one(Seat, seat_id), by=None, queue=self.queue, now=self.now(), step=step
            )
        return self.run(hooks)

    def ask_bring(self, lab_session_id: UUID, step: str) -> int:
        with self.site.write_sessions.begin() as db:
            actor, now = accounts.actor_of(db.get_one(LabSession, lab_session_id).teacher), self.now()
            return teaching.bring_all(
                db, actor=actor, lab_session_id=lab_session_id, step=step, queue=self.queue, now=now
            )

    def bring(self, lab_session_id: UUID, step: str) -> str:
        """Everybody who sits somewhere to this step; how the last of them ended."""
        begun = self.ask_bring(lab_session_id, step)
        assert begun
        return [self.run(entry=entry) for entry in self.queue.enqueued[-begun:]][-1]

    def run(self, hooks: Hooks | None = None, entry: tuple[str, str, UUID] | None = None) -> str:
        """`entry`, or what was put in the queue last, as the engine would; nothing is remembered from a run before."""
        if entry is not None:
            self.queue.enqueued.append(entry)
        return run_newest(self.site, self.queue, {}, hooks or Hooks(pause=self.wait))

    def wait(self, seconds: float) -> None:
        self.clock[0] += max(seconds, 1.0)

    def sit_down(self, lab_session_id: UUID, name: str) -> UUID | None:
        """The seat that somebody new gets, if there is one."""
        with self.site.write_sessions.begin() as db:
            lab_session = db.get_one(LabSession, lab_session_id)
            student = make_student(db, lab_session, name)
            seat = seats.take_seat(db, lab_session=lab_session, student=student, now=self.now())
            return seat.id if seat else None

    def session(self, lab_session_id: UUID) -> LabSession:
        with self.site.sessions() as db:
            return db.get_one(LabSession, lab_session_id)

    def seats(self, lab_session_id: UUID, *states: SeatState) -> list[Seat]:
        with self.site.sessions() as db:
            return seats.seats_of(db, lab_session_id, states or SHOWN)

    def lose_templates(self) -> None:
        """Their folders and disks are there no more."""
        with self.site.write_sessions.begin() as db:
            db.execute(update(Template).values(gone=True))
            db.execute(update(TemplateVersion).values(missing=True))

    def files(self, seat_id: UUID, machine: str = "server") -> list[str]:
        """What was made inside this machine of the seat."""
        with self.cluster.world() as world:
            (found,) = [one for one in world.machines.values() if (one.seat, one.host_name) == (str(seat_id), machine)]
            return found.files

    def is_empty(self) -> bool:
        """No machine and no seat on any host; images may lie in the cabinet."""
        with self.cluster.world() as world:
            return not world.machines and not world.seats


def make_school(folder: Path, url: str, engine: Engine, *, hosts: int = 3) -> School:
    seconds = [BEGIN]
    cluster = FakeCluster(folder / "fake", clock=lambda: seconds[0])
    queue = RememberingQueue()
    site = Site(
        settings=make_settings(folder, url),
        sessions=make_sessions(engine),
        write_sessions=make_write_sessions(engine),
        queue=queue,
        hypervisor=FakeHypervisor(folder / "fake", clock=lambda: seconds[0]),
        playbooks=FakePlaybooks(folder / "fake", clock=lambda: seconds[0], machine_s=0.0),
        reachability=NoNetwork(),
        doors=FakeDoors(folder / "fake", clock=lambda: seconds[0]),
        lab_reader=YamlLabReader(),
        mailer=NoMailer(),
        clock=lambda: NOW + timedelta(seconds=seconds[0] - BEGIN),
    )
    with site.write_sessions.begin() as db:
        for number in range(1, hosts + 1):
            make_host(db, f"hv{number}", address=f"10.77.0.{10 + number}")
    return School(site, cluster, queue, seconds)


@pytest.fixture
def school(tmp_path: Path, kept_url: str, kept_engine: Engine) -> School:
    return make_school(tmp_path, kept_url, kept_engine)
