"""Two people at the same draft in the same moment, on both databases: one is told, nothing is lost."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.orm import Session, sessionmaker

from portal.core.policy import Actor
from portal.models import Lab, LabDraft
from portal.services import lab_drafts, lab_releases
from portal.services.lab_drafts import DraftChanged
from tests.factories.department_labs import READER, SLUG, make_draft, teacher_in
from tests.factories.moments import NOW


@pytest.fixture
def database_url(any_database_url: str) -> str:
    return any_database_url


@pytest.fixture
def tom(write_sessions: sessionmaker[Session]) -> Actor:
    with write_sessions.begin() as db:
        make_draft(db)
        return teacher_in(db)


def test_of_several_who_save_at_once_one_does_and_the_others_are_told(
    write_sessions: sessionmaker[Session], tom: Actor
) -> None:
    ready = threading.Barrier(4)

    def save(number: int) -> bool:
        ready.wait(timeout=10)
        try:
            with write_sessions.begin() as db:
                lab_drafts.save_text(
                    db, actor=tom, slug=SLUG, name="guide.en.md", text=f"Text {number}\n", revision=1, now=NOW
                )
        except DraftChanged:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        saved = list(pool.map(save, range(4)))
    assert saved.count(True) == 1
    with write_sessions() as db:
        draft = db.get_one(LabDraft, SLUG)
        assert (draft.revision, draft.files["guide.en.md"]) == (2, f"Text {saved.index(True)}\n")


def test_two_who_publish_at_once_make_one_version(write_sessions: sessionmaker[Session], tom: Actor) -> None:
    ready = threading.Barrier(2)

    def publish(_number: int) -> bool:
        ready.wait(timeout=10)
        try:
            with write_sessions.begin() as db:
                lab_releases.publish(db, actor=tom, reader=READER, slug=SLUG, news="x", revision=1, now=NOW)
        except lab_releases.Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(publish, range(2))) == [False, True]
    with write_sessions() as db:
        assert [version.version for version in db.get_one(Lab, SLUG).versions] == [1]
