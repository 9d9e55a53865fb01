"""Personal links through the API: listed, made, renewed and ended by the class's own teacher."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.core.policy import Role
from portal.models import Invitation, LabSession
from tests.api.conftest import Caller, problem
from tests.factories.lab_sessions import make_lab_session


@pytest.fixture
def tom(caller: Callable[..., Caller]) -> Caller:
    return caller("tom", Role.TEACHER)


@pytest.fixture
def people(tom: Caller, db: Session) -> str:
    """Where the people of Tom's class are; three seats."""
    lab_session: LabSession = make_lab_session(db, teacher=db.merge(tom.account), seats=3)
    db.commit()
    return f"/lab-sessions/{lab_session.id}/people"


def ids(who: Caller, people: str) -> dict[str, str]:
    return {one["name"]: one["id"] for one in who.get(people).get_json()["items"]}


def test_people_are_invited_and_listed_and_the_links_are_shown_once(tom: Caller, people: str) -> None:
    wish = {"people": ["Pepa", {"name": "Juan", "email": "juan@hospital.example"}]}
    first = tom.post(people, wish, Idempotency_Key="one")
    assert first.status_code == 201
    assert [one["name"] for one in first.get_json()["links"]] == ["Pepa", "Juan"]
    assert all("/join/back#" in one["link"] for one in first.get_json()["links"])
    again = tom.post(people, wish, Idempotency_Key="one")
    assert (again.status_code, again.get_json()) == (201, {"links": []})
    shown = tom.get(people).get_json()
    assert shown["only_listed"] is False
    assert [(one["name"], one["email"], one["came"]) for one in shown["items"]] == [
        ("Juan", "juan@hospital.example", False),
        ("Pepa", "", False),
    ]


def test_more_people_than_seats_are_refused(tom: Caller, people: str) -> None:
    answer = tom.post(people, {"people": ["A", "B", "C", "D"]})
    assert problem(answer) == (422, "invalid")
    assert tom.get(people).get_json()["items"] == []


def test_links_are_renewed_for_some_or_for_all(tom: Caller, people: str) -> None:
    tom.post(people, {"people": ["Pepa", "Juan"]})
    one = tom.post(f"{people}/links", {"people": [ids(tom, people)["Pepa"]]}).get_json()["links"]
    assert [link["name"] for link in one] == ["Pepa"]
    assert len(tom.post(f"{people}/links").get_json()["links"]) == 2
    assert problem(tom.post(f"{people}/links", {"people": [str(uuid4())]}))[0] == 404


def test_a_link_that_is_ended_is_gone_from_the_list(tom: Caller, people: str, db: Session) -> None:
    tom.post(people, {"people": ["Pepa"]})
    path = f"{people}/{ids(tom, people)['Pepa']}"
    assert tom.call("DELETE", path).get_json()["name"] == "Pepa"
    assert tom.get(people).get_json()["items"] == []
    assert problem(tom.call("DELETE", path))[0] == 404
    assert db.scalars(select(Invitation.revoked_at)).one() is not None


def test_only_the_list_may_come_in(tom: Caller, people: str) -> None:
    assert tom.post(f"{people}/only", {"only_listed": True}).get_json()["only_listed"] is True
    assert tom.get(people).get_json()["only_listed"] is True


def test_the_people_of_others_are_not_there(caller: Callable[..., Caller], people: str, ada: Caller) -> None:
    tina = caller("tina", Role.TEACHER)
    for method, path, body in (
        ("GET", people, None),
        ("POST", people, {"people": ["Pepa"]}),
        ("POST", f"{people}/links", {}),
        ("POST", f"{people}/only", {"only_listed": True}),
        ("DELETE", f"{people}/{uuid4()}", None),
    ):
        assert problem(tina.call(method, path, body))[0] == 404
        assert problem(ada.call(method, path, body))[0] == 403
