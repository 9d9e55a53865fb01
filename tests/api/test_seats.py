"""Students through the API: a key for a code, one's own place, and nothing of anybody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from portal.api.auth import MOST_WRONG_CODES, WRONG_CODES_WITHIN
from portal.core.lifecycle import LabSessionState, SeatState
from portal.core.policy import Role
from portal.models import LabSession, Seat, Student
from tests.api.conftest import Caller, StandingClock, problem
from tests.factories import ListQueue, make_host, make_lab_session, make_seat, make_student
from tests.factories.moments import NOW

NO_ID = "6b0f5e0c-5d0c-4f6c-9a57-1f8f0d2f3a11"


@pytest.fixture
def tom(caller: Callable[..., Caller]) -> Caller:
    return caller("tom", Role.TEACHER)


@pytest.fixture
def lab_session(tom: Caller, db: Session) -> LabSession:
    lab_session = make_lab_session(db, teacher=db.merge(tom.account), seats=3, join_code="K7MX2QPA")
    db.commit()
    return lab_session


@pytest.fixture
def maria(app: Flask, lab_session: LabSession, db: Session) -> Caller:
    """María sits at seat 1."""
    host = make_host(db, "hv9")
    student = make_student(db, lab_session, "María", key="maria's key")
    make_seat(db, lab_session, number=1, student=student, host_id=host.id)
    db.commit()
    return Caller(app, "maria's key")


@pytest.fixture
def pepa(app: Flask, lab_session: LabSession, db: Session) -> Caller:
    """Pepa sits at seat 2."""
    make_seat(db, lab_session, number=2, student=make_student(db, lab_session, "Pepa", key="pepa's key"))
    db.commit()
    return Caller(app, "pepa's key")


def seat_id(who: Caller) -> str:
    return str(who.get("/seat").get_json()["seat"]["id"])


def wait(clock: StandingClock, time: timedelta) -> None:
    clock.at += time


def test_a_code_and_a_name_give_a_key_and_a_seat(nobody: Caller, lab_session: LabSession, db: Session) -> None:
    make_seat(db, lab_session, number=1)
    db.commit()
    answer = nobody.post("/join", {"code": "k7mx-2qpa", "name": "Ana"})
    joined = answer.get_json()
    assert (answer.status_code, joined["student"], joined["seat"]["number"]) == (201, "Ana", 1)
    assert "join_code" not in joined
    own = Caller(nobody.app, joined["key"]).get("/seat").get_json()
    assert (own["step"], own["seat"]["state"], "key" in own) == ("look", "taken", False)


def test_who_comes_before_the_seats_sits_down_later(nobody: Caller, lab_session: LabSession, db: Session) -> None:
    ana = Caller(nobody.app, nobody.post("/join", {"code": "K7MX2QPA", "name": "Ana"}).get_json()["key"])
    assert ana.post("/seat").get_json()["seat"] is None
    make_seat(db, lab_session, number=1)
    db.commit()
    assert ana.get("/seat").get_json()["seat"] is None
    assert [ana.post("/seat").get_json()["seat"]["number"] for _ in range(2)] == [1, 1]


def test_joining_again_with_the_key_is_the_same_student(nobody: Caller, lab_session: LabSession, db: Session) -> None:
    first = nobody.post("/join", {"code": "K7MX2QPA", "name": "Ana"}).get_json()
    again = Caller(nobody.app, first["key"]).post("/join", {"code": "K7MX2QPA", "name": "ana"})
    assert (again.status_code, again.get_json()["key"]) == (201, first["key"])
    without = nobody.post("/join", {"code": "K7MX2QPA", "name": "Ana"})
    assert [error["field"] for error in without.get_json()["errors"]] == ["name"]
    assert db.query(Student).count() == 1


@pytest.mark.parametrize(
    "body", [{}, {"code": "K7MX2QPA"}, {"code": "K7MX2QPA", "name": " "}, {"code": "", "name": "Ana"}, {"code": 7}]
)
def test_bad_joins_are_refused(nobody: Caller, lab_session: LabSession, body: object) -> None:
    assert problem(nobody.post("/join", body))[0] == 422


def test_codes_cannot_be_guessed(nobody: Caller, lab_session: LabSession, clock: StandingClock) -> None:
    right = {"code": "K7MX2QPA", "name": "Ana"}
    for number in range(MOST_WRONG_CODES):
        assert problem(nobody.post("/join", {"code": f"AAAA{number}", "name": "Eve"})) == (422, "invalid")
    refused = nobody.post("/join", right)
    assert problem(refused) == (429, "too-often")
    assert refused.headers["Retry-After"] == "600"
    wait(clock, WRONG_CODES_WITHIN)
    assert nobody.post("/join", right).status_code == 201


def test_a_whole_class_joins_from_one_address(nobody: Caller, lab_session: LabSession, db: Session) -> None:
    lab_session = db.merge(lab_session)
    lab_session.seats = 40
    db.commit()
    joins = [nobody.post("/join", {"code": "K7MX2QPA", "name": f"S{number}"}).status_code for number in range(30)]
    assert joins == [201] * 30


def test_who_comes_too_early_hears_the_local_hour(nobody: Caller, lab_session: LabSession, db: Session) -> None:
    later = db.merge(lab_session)
    later.state, later.starts_at = LabSessionState.BOOKED, NOW + timedelta(hours=2)
    db.commit()
    said = nobody.post("/join", {"code": "K7MX2QPA", "name": "Ana"}, **{"Accept-Language": "en"}).get_json()["detail"]
    assert "2 March 2026 12:00" in said


def test_a_key_opens_nothing_else(maria: Caller, lab_session: LabSession) -> None:
    for path in ("/lab-sessions", f"/lab-sessions/{lab_session.id}", "/labs", "/vms", "/vm-requests", "/audit"):
        assert problem(maria.get(path)) == (401, "no-token"), path
    assert problem(maria.post(f"/lab-sessions/{lab_session.id}/end")) == (401, "no-token")


def test_an_accounts_token_is_no_key(tom: Caller, nobody: Caller, lab_session: LabSession) -> None:
    assert problem(tom.get("/seat")) == (403, "not-allowed")
    assert problem(nobody.get("/seat")) == (401, "no-token")


def test_keys_end_with_the_class(maria: Caller, lab_session: LabSession, db: Session) -> None:
    db.merge(lab_session).state = LabSessionState.ENDED
    db.commit()
    assert problem(maria.get("/seat")) == (401, "no-token")


def test_looking_notes_that_the_student_is_there(maria: Caller, db: Session, clock: StandingClock) -> None:
    wait(clock, timedelta(minutes=1))
    maria.get("/seat")
    db.rollback()
    assert db.query(Student).one().seen_at == clock.at


def test_a_student_begins_again(maria: Caller, queue: ListQueue) -> None:
    answer = maria.post(f"/seats/{seat_id(maria)}/reset")
    assert (answer.status_code, answer.get_json()["state"], answer.get_json()["resets"]) == (202, "building", 1)
    assert [entry[0] for entry in queue.entries] == ["reset_seat"]
    assert problem(maria.post(f"/seats/{seat_id(maria)}/reset")) == (409, "conflict")


def test_a_student_touches_no_seat_of_others(maria: Caller, pepa: Caller, queue: ListQueue) -> None:
    for seat in (seat_id(pepa), NO_ID):
        assert problem(maria.post(f"/seats/{seat}/reset")) == (404, "not-found")
        assert problem(maria.post(f"/seats/{seat}/check", {"step": "look"})) == (404, "not-found")
    assert queue.entries == []


def test_a_teacher_resets_seats_of_the_own_class_only(
    tom: Caller, maria: Caller, caller: Callable[..., Caller], queue: ListQueue
) -> None:
    tina, seat = caller("tina", Role.TEACHER), seat_id(maria)
    assert problem(tina.post(f"/seats/{seat}/reset")) == (404, "not-found")
    assert problem(tina.post(f"/seats/{seat}/check", {"step": "look"})) == (404, "not-found")
    assert queue.entries == []
    assert tom.post(f"/seats/{seat}/reset").get_json()["student"] == "María"


def test_who_does_not_teach_touches_no_seat(ada: Caller, nobody: Caller, maria: Caller) -> None:
    path = f"/seats/{seat_id(maria)}/reset"
    assert problem(ada.post(path)) == (403, "not-allowed")
    assert problem(nobody.post(path)) == (401, "no-token")


def test_seats_of_a_class_that_is_over_stay(tom: Caller, maria: Caller, lab_session: LabSession, db: Session) -> None:
    seat = seat_id(maria)
    db.merge(lab_session).state = LabSessionState.ENDED
    db.commit()
    assert problem(tom.post(f"/seats/{seat}/reset")) == (409, "conflict")


@pytest.mark.parametrize("body", [{}, {"step": ""}, {"step": 3}, {"step": "look", "more": 1}])
def test_a_check_names_its_step(maria: Caller, body: object) -> None:
    assert problem(maria.post(f"/seats/{seat_id(maria)}/check", body)) == (422, "invalid")


def test_only_steps_of_the_lab_are_checked(maria: Caller) -> None:
    assert problem(maria.post(f"/seats/{seat_id(maria)}/check", {"step": "fly"})) == (404, "not-found")


def test_an_empty_seat_has_nothing_to_check(tom: Caller, lab_session: LabSession, db: Session) -> None:
    seat = make_seat(db, lab_session, number=3)
    db.commit()
    assert problem(tom.post(f"/seats/{seat.id}/check", {"step": "look"})) == (409, "conflict")


def test_nothing_is_checked_while_the_machines_are_made(maria: Caller, db: Session) -> None:
    seat = seat_id(maria)
    db.query(Seat).one().state = SeatState.BUILDING
    db.commit()
    assert problem(maria.post(f"/seats/{seat}/check", {"step": "look"})) == (409, "conflict")


def test_a_check_says_what_came_of_it_and_keeps_it(maria: Caller) -> None:
    path = f"/seats/{seat_id(maria)}/check"
    waits = maria.post(path, {"step": "touch"}, **{"Accept-Language": "es"})
    assert (waits.status_code, waits.get_json()["waits_for_teacher"]) == (200, True)
    assert waits.get_json()["messages"] == ["Su docente mira este paso y lo confirma."]
    assert maria.post(path, {"step": "done"}).get_json()["passed"] is True
    steps = {step["step"]: step for step in maria.get("/seat").get_json()["steps"]}
    assert (steps["touch"]["tries"], steps["touch"]["passed_at"]) == (1, None)
    assert steps["done"]["passed_at"] == "2026-03-02T09:00:00Z"


def test_a_teacher_checks_for_a_student_but_not_twice_at_once(tom: Caller, maria: Caller) -> None:
    path = f"/seats/{seat_id(maria)}/check"
    assert tom.post(path, {"step": "done"}).get_json()["passed"] is True
    assert problem(tom.post(path, {"step": "done"})) == (409, "conflict")


def test_a_seat_begins_again_at_a_step_that_its_student_has_reached(maria: Caller, tom: Caller, db: Session) -> None:
    own = seat_id(maria)
    assert problem(maria.post(f"/seats/{own}/reset", {"step": "touch"})) == (409, "conflict")
    assert problem(maria.post(f"/seats/{own}/reset", {"step": "nonsense"})) == (404, "not-found")
    assert maria.post(f"/seats/{own}/reset", {"step": "look"}).status_code == 202
    assert problem(maria.post(f"/seats/{own}/reset", {"step": "look"})) == (409, "conflict")
    assert [seat.begin_at_step for seat in db.query(Seat)] == ["look"]
    shown = maria.get("/seat").get_json()
    assert (shown["step"], [step["again"] for step in shown["steps"]]) == ("look", [True, False, False])


def test_a_teacher_chooses_any_step(maria: Caller, tom: Caller, db: Session) -> None:
    assert tom.post(f"/seats/{seat_id(maria)}/reset", {"step": "done"}).status_code == 202
    assert maria.get("/seat").get_json()["step"] == "done"
