"""Classes through the API: booked with proven room, looked at, led; each teacher their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.core.lifecycle import LabSessionState
from portal.core.policy import Role
from portal.models import AuditEntry, LabSession
from tests.api.conftest import Caller, problem
from tests.factories import ListQueue, make_lab_session, make_seat, make_student
from tests.factories.lab_sessions import make_taught_lab
from tests.factories.moments import NOW

BOOKING = {"lab": "wiki-page", "starts_at": "2026-03-03T10:00:00+01:00", "minutes": 60, "seats": 10, "room": "Aula 2"}
NO_ID = "6b0f5e0c-5d0c-4f6c-9a57-1f8f0d2f3a11"


@pytest.fixture
def tom(caller: Callable[..., Caller], db: Session) -> Caller:
    """Tom teaches, on a cluster that carries 32 seats with a host lost."""
    tom = caller("tom", Role.TEACHER)
    make_taught_lab(db)
    db.commit()
    return tom


@pytest.fixture
def tina(caller: Callable[..., Caller], tom: Caller) -> Caller:
    """Another teacher of the same department."""
    return caller("tina", Role.TEACHER)


@pytest.fixture
def lab_session(tom: Caller, db: Session) -> LabSession:
    lab_session = make_lab_session(db, teacher=db.merge(tom.account), seats=3)
    make_seat(db, lab_session, number=1, student=make_student(db, lab_session, step="look"))
    make_seat(db, lab_session, number=2)
    make_student(db, lab_session, "Pepa", hand="Help", hand_at=NOW)
    db.commit()
    return lab_session


def count(db: Session) -> int:
    db.rollback()
    found = db.scalar(select(func.count()).select_from(LabSession)) or 0
    db.rollback()
    return found


def test_a_class_is_booked(tom: Caller) -> None:
    answer = tom.post("/lab-sessions", BOOKING)
    made = answer.get_json()
    assert answer.status_code == 201, made
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/api/v1/lab-sessions/{made['id']}")
    assert (made["state"], made["starts_at"], made["seats_booked"]) == ("booked", "2026-03-03T09:00:00Z", 10)
    assert [one["id"] for one in made["dates"]] == [made["id"]]
    assert len(made["join_code"]) == 8


def test_a_series_keeps_its_local_time_when_the_clocks_change(tom: Caller) -> None:
    repeat = {"times": 5, "without": ["2026-03-17"]}
    made = tom.post("/lab-sessions", {**BOOKING, "repeat": repeat}).get_json()
    assert [one["starts_at"][5:16] for one in made["dates"]] == [
        "03-03T09:00",
        "03-10T09:00",
        "03-24T09:00",
        "03-31T08:00",
    ]


def test_a_series_may_be_a_list_of_days(tom: Caller) -> None:
    made = tom.post("/lab-sessions", {**BOOKING, "repeat": {"dates": ["2026-03-06", "2026-03-04"]}}).get_json()
    assert [one["starts_at"][8:10] for one in made["dates"]] == ["03", "04", "06"]


def test_what_does_not_fit_offers_what_does(tom: Caller, db: Session) -> None:
    assert tom.post("/lab-sessions", {**BOOKING, "seats": 20}).status_code == 201
    answer = tom.post("/lab-sessions", {**BOOKING, "seats": 20}, **{"Accept-Language": "en"})
    assert problem(answer) == (409, "class-does-not-fit")
    refused = answer.get_json()
    assert len(refused["alternatives"]) == 3
    assert 0 < refused["seats_that_fit"] < 20
    assert "lacks" in refused["detail"] or "not enough" in refused["detail"]
    assert count(db) == 1
    assert (
        tom.post("/lab-sessions", {**BOOKING, "seats": 20, "starts_at": refused["alternatives"][0]}).status_code == 201
    )
    assert tom.post("/lab-sessions", {**BOOKING, "seats": refused["seats_that_fit"]}).status_code == 201


def test_each_person_gets_a_link_that_is_answered_once(tom: Caller, db: Session) -> None:
    booking = {**BOOKING, "people": ["Ana", {"name": "Bea", "email": "bea@example.org"}], "repeat": {"times": 2}}
    answers = [tom.post("/lab-sessions", booking, Idempotency_Key="k7").get_json() for _ in range(2)]
    links = answers[0]["links"]
    assert [one["name"] for one in links] == ["Ana", "Bea"] * 2
    assert len({one["link"] for one in links}) == 4
    assert {one["lab_session"] for one in links} == {one["id"] for one in answers[0]["dates"]}
    assert (answers[1]["id"], answers[1]["links"]) == (answers[0]["id"], [])
    assert count(db) == 2


def test_only_labs_that_are_there_are_booked(tom: Caller) -> None:
    answer = tom.post("/lab-sessions", {**BOOKING, "lab": "nothing"})
    assert problem(answer) == (404, "not-found")
    assert [error["field"] for error in answer.get_json()["errors"]] == ["lab"]
    assert "alternatives" not in answer.get_json()


def test_the_same_key_books_once(tom: Caller, db: Session) -> None:
    answers = [tom.post("/lab-sessions", BOOKING, Idempotency_Key="k1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].get_json() == answers[1].get_json()
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    other = tom.post("/lab-sessions", {**BOOKING, "seats": 2}, Idempotency_Key="k1")
    assert problem(other) == (422, "idempotency-key-reused")
    assert count(db) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"starts_at": "2026-03-02T09:59:00+01:00"}, "starts_at"),
        ({"starts_at": "2028-03-02T10:00:00+01:00"}, "starts_at"),
        ({"starts_at": "2026-03-03T10:00:00"}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00:00+05:00"}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:59Z", "repeat": {"times": 3}}, "starts_at"),
        ({"starts_at": 1772528400}, "starts_at"),
        ({"minutes": 14}, "minutes"),
        ({"seats": 0}, "seats"),
        ({"seats": 41}, "seats"),
        ({"seats": "12"}, "seats"),
        ({"room": "x" * 121}, "room"),
        ({"department": "radiologia"}, "department"),
        ({"repeat": {}}, "repeat"),
        ({"repeat": {"times": 2, "dates": []}}, "repeat"),
        ({"repeat": {"times": 53}}, "repeat.times"),
        ({"repeat": {"dates": ["2026-13-01"]}}, "repeat.dates"),
        ({"repeat": {"times": 2, "without": ["2026-03-03", "2026-03-10"]}}, "starts_at"),
        ({"person": "Ana"}, "person"),
        ({"people": ["Ana", "ana"]}, "people"),
        ({"people": ["Ana\u202e"]}, "people"),
        ({"people": [{"name": "Ana", "email": "ana"}]}, "people"),
        ({"people": [f"Student {number}" for number in range(11)]}, "people"),
        ({"people": [f"Student {number}" for number in range(41)], "seats": 40}, "people"),
        ({"only_listed": True}, "people"),
    ],
)
def test_bad_bookings_name_the_place(tom: Caller, db: Session, change: dict[str, object], field: str) -> None:
    answer = tom.post("/lab-sessions", {**BOOKING, **change})
    assert answer.status_code == 422, answer.get_json()
    assert field in [error["field"] for error in answer.get_json()["errors"]]
    assert count(db) == 0


def test_an_hour_that_comes_twice_is_refused_for_a_series(tom: Caller) -> None:
    body = {**BOOKING, "starts_at": "2026-10-18T02:30:00+02:00", "repeat": {"times": 2}}
    assert [error["field"] for error in tom.post("/lab-sessions", body).get_json()["errors"]] == ["starts_at"]


def test_who_does_not_teach_books_nothing(ada: Caller, nobody: Caller, tom: Caller, db: Session) -> None:
    assert problem(ada.post("/lab-sessions", BOOKING)) == (403, "not-allowed")
    assert problem(nobody.post("/lab-sessions", BOOKING)) == (401, "no-token")
    assert count(db) == 0


def test_one_lists_ones_own_classes(tom: Caller, tina: Caller, lab_session: LabSession, db: Session) -> None:
    make_lab_session(db, teacher=db.merge(tom.account), state=LabSessionState.ENDED, ends_at=NOW)
    db.commit()
    found = [
        who.get(path).get_json()["total"]
        for who in (tom, tina)
        for path in ("/lab-sessions", "/lab-sessions?past=true")
    ]
    assert found == [1, 1, 0, 0]
    assert tom.get("/lab-sessions?limit=1&page=2").get_json()["items"] == []


def test_a_class_shows_its_seats_and_who_waits(tom: Caller, lab_session: LabSession) -> None:
    shown = tom.get(f"/lab-sessions/{lab_session.id}").get_json()
    assert (shown["state"], shown["lab"], shown["join_code"]) == ("running", "first-steps", lab_session.join_code)
    seats = [(seat["number"], seat["state"], seat["student"], seat["step"]) for seat in shown["seats"]]
    assert seats == [(1, "taken", "María", "look"), (2, "ready", None, None)]
    assert shown["seats"][0]["ready_at"] == "2026-03-02T09:00:00Z"
    assert [(one["sign"], one["how"], one["first_seen_at"]) for one in shown["seats"][0]["signs"]] == [
        ("cloned", "seen", None),
        ("running", "seen", None),
        ("answers", "seen", "2026-03-02T09:00:00Z"),
        ("network", "not_yet", None),
        ("doors", "none", None),
    ]
    assert shown["seats"][0]["why"] is None
    assert [(one["name"], one["seat"], one["hand"]) for one in shown["students"]] == [
        ("María", 1, None),
        ("Pepa", None, "Help"),
    ]


def test_a_class_costs_few_queries_however_many_seats(
    tom: Caller, lab_session: LabSession, db: Session, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    tom.get("/lab-sessions")  # the first call notes the token's use
    few = count_queries(lambda: tom.get(f"/lab-sessions/{lab_session.id}"))
    for number in range(3, 12):
        make_seat(db, lab_session, number=number, student=make_student(db, lab_session, f"S{number}"))
    db.commit()
    assert count_queries(lambda: tom.get(f"/lab-sessions/{lab_session.id}")) == few


ACTIONS = [
    ("prepare", {}),
    ("open", {}),
    ("reset", {"seats": [1]}),
    ("message", {"text": "Hello"}),
    ("lock", {"locked": True}),
    ("step", {"step": "touch"}),
    ("end", {}),
    ("cancel", {}),
]


@pytest.mark.parametrize(("action", "body"), ACTIONS)
def test_the_classes_of_others_are_not_there(
    tina: Caller, ada: Caller, nobody: Caller, lab_session: LabSession, queue: ListQueue, action: str, body: object
) -> None:
    path = f"/lab-sessions/{lab_session.id}"
    assert problem(tina.get(path)) == (404, "not-found")
    assert problem(tina.post(f"{path}/{action}", body)) == (404, "not-found")
    assert problem(ada.post(f"{path}/{action}", body)) == (403, "not-allowed")
    assert problem(nobody.post(f"{path}/{action}", body)) == (401, "no-token")
    assert queue.entries == []


@pytest.mark.parametrize(("action", "body"), ACTIONS)
def test_what_is_no_class_is_not_there(tom: Caller, action: str, body: object) -> None:
    assert problem(tom.post(f"/lab-sessions/{NO_ID}/{action}", body)) == (404, "not-found")


def test_who_manages_labs_may_lead_any_class(alan: Caller, lab_session: LabSession) -> None:
    assert alan.post(f"/lab-sessions/{lab_session.id}/lock").get_json()["locked"] is True


def test_a_class_is_prepared_and_opened(tom: Caller, db: Session, queue: ListQueue) -> None:
    booked = tom.post("/lab-sessions", BOOKING).get_json()["id"]
    assert tom.post(f"/lab-sessions/{booked}/prepare").get_json()["state"] == "preparing"
    assert [entry[0] for entry in queue.entries] == ["prepare_class"]
    assert problem(tom.post(f"/lab-sessions/{booked}/prepare")) == (409, "conflict")
    assert problem(tom.post(f"/lab-sessions/{booked}/open")) == (409, "conflict")
    db.get_one(LabSession, booked_id(db)).state = LabSessionState.READY
    db.commit()
    assert tom.post(f"/lab-sessions/{booked}/open").get_json()["state"] == "running"


def booked_id(db: Session) -> object:
    return db.scalars(select(LabSession.id)).one()


def test_all_seats_with_somebody_begin_again(tom: Caller, lab_session: LabSession, queue: ListQueue) -> None:
    assert tom.post(f"/lab-sessions/{lab_session.id}/reset").get_json() == {"begun": 1}
    assert tom.post(f"/lab-sessions/{lab_session.id}/reset", {"seats": [1, 2]}).get_json() == {"begun": 1}
    assert problem(tom.post(f"/lab-sessions/{lab_session.id}/reset", {"seats": [9]})) == (404, "not-found")
    assert [entry[0] for entry in queue.entries] == ["reset_seat", "reset_seat"]


def test_everybody_is_told_and_locked(tom: Caller, lab_session: LabSession) -> None:
    path = f"/lab-sessions/{lab_session.id}"
    assert tom.post(f"{path}/message", {"text": " Look  here "}).get_json()["notice"] == "Look here"
    assert problem(tom.post(f"{path}/message", {"text": "x" * 501})) == (422, "invalid")
    assert [tom.post(f"{path}/lock", body).get_json()["locked"] for body in ({}, {"locked": False})] == [True, False]
    assert problem(tom.post(f"{path}/lock", {"locked": "yes"})) == (422, "invalid")


def test_everybody_is_brought_to_a_step(tom: Caller, lab_session: LabSession, queue: ListQueue) -> None:
    path = f"/lab-sessions/{lab_session.id}/step"
    begun = tom.post(path, {"step": "touch"}).get_json()["begun"]
    assert begun == len(queue.entries) > 0
    assert {entry[0] for entry in queue.entries} == {"bring_seat"}
    assert problem(tom.post(path, {"step": "elsewhere"})) == (404, "not-found")
    assert problem(tom.post(path, {})) == (422, "invalid")


def test_a_class_ends_once(tom: Caller, lab_session: LabSession, queue: ListQueue) -> None:
    answer = tom.post(f"/lab-sessions/{lab_session.id}/end")
    assert (answer.status_code, answer.get_json()["state"]) == (202, "ended")
    assert problem(tom.post(f"/lab-sessions/{lab_session.id}/end")) == (409, "conflict")
    assert [entry[0] for entry in queue.entries] == ["end_class"]


def test_a_booked_class_is_cancelled_with_a_reason(tom: Caller, db: Session) -> None:
    booked = tom.post("/lab-sessions", BOOKING).get_json()["id"]
    assert tom.post(f"/lab-sessions/{booked}/cancel", {"reason": "Strike"}).get_json()["state"] == "cancelled"
    assert problem(tom.post(f"/lab-sessions/{booked}/cancel")) == (409, "conflict")
    assert db.scalars(select(AuditEntry.reason).where(AuditEntry.action == "lab_session.cancelled")).all() == ["Strike"]


def test_refusals_are_in_the_callers_language(tom: Caller) -> None:
    too_many = {**BOOKING, "seats": 41}
    said = [
        tom.post("/lab-sessions", too_many, **{"Accept-Language": code}).get_json()["errors"][0]["message"]
        for code in ("es", "en")
    ]
    assert said == ["Puede ser 40 como máximo.", "This must be at most 40."]


def test_the_languages_of_a_class_are_chosen_and_shown(tom: Caller) -> None:
    assert tom.post("/lab-sessions", BOOKING).get_json()["languages"] == ["es", "en"]
    made = tom.post("/lab-sessions", {**BOOKING, "seats": 3, "languages": ["en"]}).get_json()
    assert tom.get(f"/lab-sessions/{made['id']}").get_json()["languages"] == ["en"]


@pytest.mark.parametrize("languages", [[], ["fr"], ["es", "es"], "es", [1], None])
def test_languages_that_are_none_are_refused(tom: Caller, languages: object) -> None:
    assert problem(tom.post("/lab-sessions", {**BOOKING, "languages": languages})) == (422, "invalid")
