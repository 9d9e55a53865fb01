"""A class that goes on: its seats made, a student at each, its teacher logged in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
def full_class(site: Site, slug: str, seats: int, say: Say) -> Iterator[FullClass]:
    """Ended with the block, so that the hosts are as before."""
    lab_session_id = book(site, slug, seats)
    with site.write_sessions.begin() as db:
        lab_session = db.get_one(LabSession, lab_session_id)
        teaching.prepare(db, lab_session=lab_session, queue=site.queue, now=site.clock(), by=None)
    say(f"preparing a class of {seats}")
    wait_for(lambda: is_ready(site, lab_session_id), seconds=PATIENCE_S, what="preparing the class", every_s=0.1)
    try:
        yield begun(site, lab_session_id)
    finally:
        seconds_of_end(site, lab_session_id)


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
        return FullClass(
            lab_session_id, login_sessions.open_session(db, account_id=teacher.account_id, now=now), tuple(keys)
        )
