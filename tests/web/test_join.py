"""Joining a class: with a code and a name, without an account; and codes cannot be guessed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from apiflask import APIFlask

from portal.core.lifecycle import LabSessionState
from portal.models import LabSession, Seat, Student
from portal.services.login_sessions import hash_of
from portal.site import Site
from portal.web.limits import limiter
from tests.factories import make_host, make_lab_session, make_seat
from tests.web.conftest import CheckingClient


@pytest.fixture
def lab_session(site: Site) -> LabSession:
    """With one seat that is ready and one that is not."""
    with site.write_sessions.begin() as db:
        lab_session = make_lab_session(db, join_code="K7M4QP", seats=3)
        make_seat(db, lab_session, number=1, host_id=make_host(db).id)
        db.expunge_all()
    return lab_session


def join(client: CheckingClient, name: str = "María", code: str = "k7m-4qp") -> int:
    return client.send("/join", {"code": code, "name": name}).status_code


def test_a_link_brings_the_code_along(client: CheckingClient) -> None:
    assert 'value="K7M4QP"' in client.get("/join?code=K7M4QP").text


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_page_speaks_the_students_language(client: CheckingClient, language: str) -> None:
    client.set_cookie("vivero_language", language)
    page = client.get("/join").text
    assert f'<html lang="{language}">' in page


def test_who_joins_sits_down_at_a_seat_that_is_ready(
    client: CheckingClient, lab_session: LabSession, site: Site
) -> None:
    answer = client.send("/join", {"code": " k7m 4qp", "name": " María  Gil "})
    assert (answer.status_code, answer.location) == (303, "/class")
    with site.sessions() as db:
        student = db.query(Student).one()
        seat = db.query(Seat).one()
        assert (student.name, student.step, seat.student_id) == ("María Gil", "look", student.id)


def test_the_key_is_one_that_no_page_can_read_and_only_its_hash_is_kept(
    client: CheckingClient, lab_session: LabSession, site: Site
) -> None:
    answer = client.send("/join", {"code": "K7M4QP", "name": "María"})
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith("vivero_seat="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    key = client.get_cookie("vivero_seat")
    with site.sessions() as db:
        assert key is not None
        assert db.query(Student).one().key_hash == hash_of(key.value)


def test_the_same_browser_comes_back_as_the_same_student(
    client: CheckingClient, lab_session: LabSession, site: Site
) -> None:
    assert [join(client), join(client)] == [303, 303]
    assert "María" in client.get("/join").text
    with site.sessions() as db:
        assert db.query(Student).count() == 1


def test_an_account_beside_changes_nothing(ada: CheckingClient, lab_session: LabSession) -> None:
    assert join(ada) == 303
    assert "María" in ada.get("/class").text
    assert "Ada" in ada.get("/").text


def test_a_second_maria_is_told_to_add_something(app: APIFlask, client: CheckingClient, lab_session: object) -> None:
    join(client)
    other = app.test_client()
    assert isinstance(other, CheckingClient)
    answer = other.send("/join", {"code": "K7M4QP", "name": "maría"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


@pytest.mark.parametrize("data", [{"code": "", "name": "María"}, {"code": "K7M4QP", "name": ""}, {}])
def test_empty_fields_say_what_is_missing(
    client: CheckingClient, lab_session: LabSession, data: dict[str, str]
) -> None:
    answer = client.send("/join", data)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


def test_no_form_is_taken_without_its_token(client: CheckingClient, lab_session: LabSession) -> None:
    answer = client.post("/join", data={"code": "K7M4QP", "name": "María"})
    assert answer.status_code == 400


def refusal(client: CheckingClient, code: str) -> str:
    answer = client.send("/join", {"code": code, "name": "Eve"})
    assert answer.status_code == 422
    return answer.text.split('id="error-summary"')[1].split("</ul>")[0]


def test_ended_far_off_and_unknown_codes_are_refused_in_the_same_words(
    client: CheckingClient, lab_session: LabSession, site: Site
) -> None:
    unknown = refusal(client, "WRONG1")
    with site.write_sessions.begin() as db:
        db.get_one(LabSession, lab_session.id).state = LabSessionState.ENDED
    ended = refusal(client, "K7M4QP")
    with site.write_sessions.begin() as db:
        row = db.get_one(LabSession, lab_session.id)
        row.state, row.starts_at = LabSessionState.BOOKED, row.starts_at + timedelta(days=7)
    assert unknown == ended == refusal(client, "K7M4QP")


@pytest.fixture
def limited(app: APIFlask) -> Iterator[None]:
    limiter.enabled = True
    limiter.reset()
    yield
    limiter.reset()
    limiter.enabled = False


@pytest.mark.usefixtures("limited")
def test_codes_are_not_guessed(client: CheckingClient, lab_session: LabSession) -> None:
    client.set_cookie("vivero_language", "en")
    answers = [client.send("/join", {"code": f"GUESS{number}", "name": "Eve"}) for number in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]
    assert "Too many wrong codes" in answers[-1].text
    assert join(client) == 429


@pytest.mark.usefixtures("limited")
def test_a_whole_class_behind_one_address_gets_in(
    app: APIFlask, client: CheckingClient, lab_session: LabSession, site: Site
) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(LabSession, lab_session.id).seats = 15
    statuses = set()
    for number in range(15):
        student = app.test_client()
        assert isinstance(student, CheckingClient)
        statuses.add(join(student, f"Student {number}"))
    assert statuses == {303}


def test_a_personal_link_leads_back_to_the_same_seat(
    app: APIFlask, client: CheckingClient, lab_session: LabSession
) -> None:
    join(client)
    key = client.get_cookie("vivero_seat")
    assert key is not None
    assert f"/join/back#{key.value}" in client.get("/class/device").text
    other = app.test_client()
    assert isinstance(other, CheckingClient)
    other.get("/join/back")
    assert other.send("/join/back", {"key": key.value}).location == "/class"
    assert "María" in other.get("/class").text


@pytest.mark.parametrize("key", ["", "guess", "x" * 300])
def test_a_key_that_nobody_has_leads_nowhere(client: CheckingClient, key: str) -> None:
    assert client.send("/join/back", {"key": key}).status_code == 422
    assert client.get("/class").location == "/join"


@pytest.mark.usefixtures("limited")
def test_keys_are_not_guessed_either(client: CheckingClient) -> None:
    statuses = [client.send("/join/back", {"key": f"guess{number}"}).status_code for number in range(11)]
    assert statuses == [422] * 10 + [429]
