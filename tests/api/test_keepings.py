"""Kept seats through the API: asked for with the student's key, decided by who teaches the class and by nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.core.policy import Role
from portal.models import LabSession, Seat
from portal.services import kept_seats
from tests.api.conftest import Caller, problem
from tests.factories import make_host, make_lab_session, make_seat, make_student
from tests.factories.classes import template_version_of
from tests.factories.moments import NOW


@pytest.fixture
def tom(caller: Callable[..., Caller]) -> Caller:
    return caller("tom", Role.TEACHER)


@pytest.fixture
def lab_session(tom: Caller, db: Session) -> LabSession:
    template_version_of(db, "dokuwiki")
    lab_session = make_lab_session(db, teacher=db.merge(tom.account), seats=3)
    db.commit()
    return lab_session


@pytest.fixture
def maria(app: Flask, lab_session: LabSession, db: Session) -> Caller:
    """María sits at seat 1."""
    student = make_student(db, lab_session, "María", key="maria's key")
    make_seat(db, lab_session, number=1, student=student, host_id=make_host(db, "hv9").id)
    db.commit()
    return Caller(app, "maria's key")


def asked(maria: Caller, tom: Caller, lab_session: LabSession) -> str:
    """The address of her question for who teaches."""
    assert maria.post("/seat/keep", {"words": "The wiki is not done"}).status_code == 200
    (item,) = tom.get(f"/lab-sessions/{lab_session.id}/keepings").get_json()["items"]
    assert (item["student"], item["state"], item["words"]) == ("María", "asked", "The wiki is not done")
    return f"/lab-sessions/{lab_session.id}/keepings/{item['id']}"


def keep(db: Session, lab_session: LabSession) -> None:
    """The class ends."""
    kept_seats.keep_granted(db, db.merge(lab_session), now=NOW)
    db.commit()


def test_a_student_asks_and_the_teacher_agrees_declines_and_agrees_again(
    maria: Caller, tom: Caller, lab_session: LabSession
) -> None:
    assert problem(maria.get("/seat/keep")) == (404, "not-found")
    there = asked(maria, tom, lab_session)
    assert tom.post(f"{there}/decline").get_json()["state"] == "declined"
    granted = tom.post(f"{there}/grant", {"days": 3}).get_json()
    until_at = (lab_session.ends_at + timedelta(days=3)).isoformat()
    assert (granted["state"], granted["seat"]) == ("granted", None)
    assert maria.get("/seat/keep").get_json()["until_at"] == granted["until_at"]
    assert granted["until_at"].replace("Z", "+00:00") == until_at
    assert problem(tom.post(f"{there}/grant", {"days": 365}))[0] == 422


def test_a_question_is_taken_back(maria: Caller, tom: Caller, lab_session: LabSession) -> None:
    asked(maria, tom, lab_session)
    assert maria.call("DELETE", "/seat/keep").get_json()["state"] == "over"


def test_a_kept_seat_is_prolonged_and_ended(maria: Caller, tom: Caller, lab_session: LabSession, db: Session) -> None:
    there = asked(maria, tom, lab_session)
    tom.post(f"{there}/grant", {"days": 3})
    keep(db, lab_session)
    assert tom.post(f"{there}/prolong", {"days": 5}).get_json()["state"] == "kept"
    assert problem(tom.post(f"{there}/prolong", {"days": 4})) == (422, "invalid")
    ended = tom.post(f"{there}/end")
    assert (ended.status_code, ended.get_json()["state"]) == (202, "over")
    assert problem(tom.post(f"{there}/end"))[0] == 409
    assert ended.get_json()["seat"] == str(db.query(Seat).one().id)


def test_a_student_gives_a_kept_seat_back(maria: Caller, tom: Caller, lab_session: LabSession, db: Session) -> None:
    there = asked(maria, tom, lab_session)
    assert problem(maria.post("/seat/give-back"))[0] == 409
    tom.post(f"{there}/grant", {"days": 3})
    keep(db, lab_session)
    answer = maria.post("/seat/give-back")
    assert (answer.status_code, answer.get_json()["state"]) == (202, "over")


def test_nobody_else_decides(
    maria: Caller, tom: Caller, ada: Caller, caller: Callable[..., Caller], lab_session: LabSession
) -> None:
    there, ted = asked(maria, tom, lab_session), caller("ted", Role.TEACHER)
    for what in ("grant", "decline", "prolong", "end"):
        body = {"days": 3} if what in ("grant", "prolong") else {}
        assert problem(ted.post(f"{there}/{what}", body)) == (404, "not-found")
        assert problem(ada.post(f"{there}/{what}", body))[0] == 403
        assert maria.post(f"{there}/{what}", body).status_code == 401
        elsewhere = there.replace(there.split("/")[-1], str(uuid4()))
        assert problem(tom.post(f"{elsewhere}/{what}", body)) == (404, "not-found")
    assert problem(ted.get(f"/lab-sessions/{lab_session.id}/keepings")) == (404, "not-found")
    assert problem(tom.post("/seat/keep", {}))[0] == 403
