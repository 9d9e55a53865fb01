"""Classes that go on: their seats made, a student at each, their teacher logged in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from portal.bench.ground import wait_for
from portal.bench.our_classes import PATIENCE_S, TEACHER, book, is_ready, seconds_of_end
from portal.bench.ours import actor
from portal.models import LabSession
from portal.services import login_sessions, students, teaching
from portal.site import Site

Say = Callable[[str], None]


@dataclass(frozen=True)
class FullClass:
    """`teacher` is the key of a log-in, `students` the keys of those who sit there."""

    lab_session_id: UUID
    teacher: str
    students: tuple[str, ...]


@contextmanager
def full_classes(site: Site, slug: str, seats: Sequence[int], say: Say) -> Iterator[list[FullClass]]:
    """One class for each number of seats, all prepared together; ended with the block, so that hosts are as before."""
    ids = [book(site, slug, count) for count in seats]
    with site.write_sessions.begin() as db:
        for one in ids:
            lab_session = db.get_one(LabSession, one)
            teaching.prepare(db, lab_session=lab_session, queue=site.queue, now=site.clock(), by=None)
    say(f"preparing {sum(seats)} seats")
    try:
        wait_for(lambda: all(is_ready(site, one) for one in ids), seconds=PATIENCE_S, what="preparing", every_s=0.5)
        yield [begun(site, one) for one in ids]
    finally:
        for one in ids:
            seconds_of_end(site, one)


def begun(site: Site, lab_session_id: UUID) -> FullClass:
    with site.write_sessions.begin() as db:
        teacher, now = actor(db, TEACHER), site.clock()
        lab_session = teaching.open_class(db, actor=teacher, lab_session_id=lab_session_id, now=now)
        keys = []
        for number in range(1, lab_session.seats + 1):
            name = f"Student {number}"
            joined = students.join(db, code=lab_session.join_code or "", name=name, locale="es", now=now)
            students.sit_down(db, joined.student, now)
            keys.append(joined.key)
        login = login_sessions.open_session(db, account_id=teacher.account_id, now=now)
        return FullClass(lab_session_id, login, tuple(keys))
