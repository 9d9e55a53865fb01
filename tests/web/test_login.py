"""Logging in and out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from apiflask import APIFlask

from portal.models import Account
from portal.site import Site
from portal.web.limits import limiter
from tests.web.conftest import PASSWORD, CheckingClient, FixedClock, People


def test_the_overview_asks_to_log_in_and_comes_back(client: CheckingClient) -> None:
    answer = client.get("/?page=2")
    assert answer.status_code == 303
    assert answer.location.startswith("/login?next=")


def test_a_person_logs_in_and_sees_the_overview(ada: CheckingClient) -> None:
    assert "Ada" in ada.get("/").get_data(as_text=True)


def test_a_wrong_password_says_the_same_as_an_unknown_name(client: CheckingClient, people: People) -> None:
    wrong = client.send("/login", {"login": "ada", "password": "x"})
    unknown = client.send("/login", {"login": "nobody", "password": "x"})
    assert wrong.status_code == unknown.status_code == 422
    note = 'role="alert"'
    assert wrong.text.split(note)[1].split("</div>")[0] == unknown.text.split(note)[1].split("</div>")[0]


def test_the_first_sentence_is_in_the_language_of_the_account(
    client: CheckingClient, people: People, site: Site
) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(Account, people.ada).locale = "es"
    client.set_cookie("vivero_language", "en")
    page = client.log_in("ada").get("/").text
    assert "Es la primera vez que se usa esta cuenta." in page


def test_empty_fields_say_what_is_missing(client: CheckingClient) -> None:
    answer = client.send("/login", {"login": "", "password": ""})
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 2


def test_five_wrong_tries_lock_the_account(client: CheckingClient, people: People) -> None:
    for _ in range(5):
        client.send("/login", {"login": "ada", "password": "x"})
    assert client.send("/login", {"login": "ada", "password": PASSWORD}).status_code == 422


def test_the_log_in_gets_a_key_that_no_page_can_read(client: CheckingClient, people: People) -> None:
    answer = client.send("/login", {"login": "ada", "password": PASSWORD})
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith("vivero_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_logging_out_ends_the_log_in_on_the_server(ada: CheckingClient) -> None:
    key = ada.get_cookie("vivero_session")
    assert key is not None
    ada.send("/logout")
    ada.set_cookie("vivero_session", key.value)
    assert ada.get("/").status_code == 303


def test_a_log_in_ends_after_a_quarter_of_an_hour_without_a_sign(ada: CheckingClient, clock: FixedClock) -> None:
    clock.at += timedelta(minutes=16)
    assert ada.get("/").status_code == 303


def test_a_log_in_lasts_while_it_is_used_but_no_longer_than_eight_hours(ada: CheckingClient, clock: FixedClock) -> None:
    for _ in range(47):
        clock.at += timedelta(minutes=10)
        assert ada.get("/").status_code == 200
    clock.at += timedelta(minutes=11)
    assert ada.get("/").status_code == 303


def test_the_page_says_when_the_account_was_used_before(client: CheckingClient, people: People) -> None:
    client.log_in("ada")
    client.send("/logout")
    client.log_in("ada")
    assert "2026" in client.get("/").text.split('id="flashes"')[1].split("</main>")[0]


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_nobody_is_sent_elsewhere_after_log_in(client: CheckingClient, people: People, address: str) -> None:
    answer = client.send("/login", {"login": "ada", "password": PASSWORD, "next": address})
    assert answer.location == "/"


def test_a_form_without_its_token_changes_nothing_and_keeps_the_input(ada: CheckingClient) -> None:
    answer = ada.post("/language/en", data={"note": "texto largo", "password": "secreto", "p_admin_secret": "oculto"})
    assert answer.status_code == 400
    assert "texto largo" in answer.text
    assert "secreto" not in answer.text
    assert "oculto" not in answer.text


def test_a_class_logs_in_at_the_same_moment(app: APIFlask, people: People) -> None:
    app.test_client_class = CheckingClient

    def log_in(_number: int) -> int:
        return app.test_client().send("/login", {"login": "ada", "password": PASSWORD}).status_code

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(log_in, range(16))) == [303] * 16


@pytest.fixture
def limited(app: APIFlask) -> Iterator[None]:
    limiter.enabled = True
    yield
    limiter.reset()
    limiter.enabled = False


def tries(client: CheckingClient, logins: list[str]) -> list[int]:
    token = client.token("/login")
    return [client.post("/login", data={"csrf_token": token, "login": login}).status_code for login in logins]


def test_too_many_tries_with_one_name_are_slowed_down(limited: None, client: CheckingClient) -> None:
    assert tries(client, ["ada"] * 11)[-1] == 429


def test_a_whole_hospital_behind_one_address_may_log_in(limited: None, client: CheckingClient) -> None:
    assert 429 not in tries(client, [f"person{number}" for number in range(40)])
