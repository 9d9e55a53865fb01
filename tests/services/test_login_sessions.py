"""Log-ins end by idling, by age, by logging out, and are known only by the hash of their key."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.models import LoginSession
from portal.services import login_sessions
from tests.factories import make_account
from tests.factories.moments import NOW


@pytest.fixture
def key(db: Session) -> str:
    return login_sessions.open_session(db, account_id=make_account(db, "ada").id, now=NOW, data={"csrf": "x"})


def test_the_key_is_not_in_the_database(db: Session, key: str) -> None:
    row = login_sessions.load(db, key, NOW)
    assert row is not None
    assert row.key_hash != key
    assert row.data == {"csrf": "x"}


def test_an_unknown_key_is_nobody(db: Session) -> None:
    assert login_sessions.load(db, "made up", NOW) is None


@pytest.mark.parametrize(("minutes", "alive"), [(0, True), (15, True), (16, False)])
def test_a_session_ends_by_idling(db: Session, key: str, minutes: int, alive: bool) -> None:
    found = login_sessions.load(db, key, NOW + timedelta(minutes=minutes))
    assert (found is not None) == alive


def test_a_session_ends_after_eight_hours_however_busy(db: Session, key: str) -> None:
    late = NOW + timedelta(hours=8)
    login_sessions.touch(db, login_sessions.hash_of(key), late - timedelta(seconds=1))
    assert login_sessions.load(db, key, late - timedelta(seconds=1)) is not None
    assert login_sessions.load(db, key, late) is None


def test_touching_is_needed_once_a_minute(db: Session, key: str) -> None:
    row = login_sessions.load(db, key, NOW)
    assert row is not None
    assert not login_sessions.needs_touch(row, NOW + timedelta(seconds=60))
    assert login_sessions.needs_touch(row, NOW + timedelta(seconds=61))


def test_data_are_kept_unless_the_session_was_ended(db: Session, key: str) -> None:
    assert login_sessions.save(db, key, {"language": "en"}, NOW)
    found = login_sessions.load(db, key, NOW)
    assert found is not None
    assert found.data == {"language": "en"}
    login_sessions.end(db, key)
    assert not login_sessions.save(db, key, {}, NOW)


def test_logging_out_everywhere_may_spare_this_browser(db: Session, key: str) -> None:
    account_id = make_account(db, "tom").id
    here = login_sessions.open_session(db, account_id=account_id, now=NOW)
    there = login_sessions.open_session(db, account_id=account_id, now=NOW)
    login_sessions.end_all_of(db, account_id, but_key=here)
    alive = [one for one in (here, there, key) if login_sessions.load(db, one, NOW)]
    assert alive == [here, key]


def test_sweeping_deletes_only_what_is_over(db: Session, key: str) -> None:
    later = NOW + timedelta(minutes=20)
    fresh = login_sessions.open_session(db, account_id=None, now=later)
    assert login_sessions.sweep(db, later) == 1
    assert db.scalar(select(func.count()).select_from(LoginSession)) == 1
    assert login_sessions.load(db, fresh, later) is not None
