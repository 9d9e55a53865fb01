"""Workers: alive by their beat, given up when silent."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from portal.services import workers
from tests.factories.moments import NOW

LATER = NOW + timedelta(seconds=31)


def enlist(db: Session, worker_id: str = "one") -> None:
    workers.enlist(db, worker_id=worker_id, machine="m", pid=1, now=NOW)
    db.flush()


def test_a_worker_lives_as_long_as_it_beats(db: Session) -> None:
    enlist(db)
    enlist(db, "two")
    assert workers.beat(db, worker_id="one", now=NOW + timedelta(seconds=20))
    assert (workers.living(db, LATER), workers.lapsed(db, LATER)) == ({"one"}, ["two"])


def test_a_worker_that_leaves_is_lapsed_at_once(db: Session) -> None:
    enlist(db)
    workers.leave(db, worker_id="one", now=NOW)
    assert (workers.living(db, NOW), workers.lapsed(db, NOW)) == (set(), ["one"])


def test_a_worker_given_up_hears_it_at_its_next_beat(db: Session) -> None:
    enlist(db)
    workers.mark_reaped(db, ["one"], LATER)
    db.expire_all()
    assert not workers.beat(db, worker_id="one", now=LATER)
    assert workers.lapsed(db, LATER) == []


def test_who_knows_that_no_other_lives_gives_them_all_up(db: Session) -> None:
    enlist(db)
    workers.give_up_others(db, now=NOW)
    assert workers.lapsed(db, NOW) == ["one"]


def test_old_workers_are_forgotten(db: Session) -> None:
    enlist(db)
    workers.mark_reaped(db, ["one"], NOW)
    workers.sweep(db, NOW + timedelta(days=31))
    db.flush()
    assert not workers.beat(db, worker_id="one", now=NOW)
