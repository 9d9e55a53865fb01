"""Spanish and English: the account's, the cookie's, the browser's, the house's."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.web.conftest import CheckingClient


def language(client: FlaskClient, path: str = "/accessibility", **headers: str) -> str:
    return client.get(path, headers=headers).text.split('<html lang="')[1][:2]


def test_the_house_speaks_spanish_first(client: CheckingClient) -> None:
    assert language(client) == "es"


@pytest.mark.parametrize(("wanted", "spoken"), [("en-GB,en;q=0.9", "en"), ("es-ES", "es"), ("fr", "es")])
def test_the_browser_is_listened_to(client: CheckingClient, wanted: str, spoken: str) -> None:
    headers = {"Accept-Language": wanted}
    assert client.get("/accessibility", headers=headers).text.split('<html lang="')[1][:2] == spoken


def test_a_visitor_switches_and_stays_on_the_page(client: CheckingClient) -> None:
    answer = client.send("/language/en", {"next": "/accessibility"})
    assert answer.location == "/accessibility"
    assert language(client) == "en"


def test_a_person_keeps_the_language_in_the_account(ada: CheckingClient) -> None:
    ada.send("/language/es", {"next": "/"})
    ada.delete_cookie("vivero_language")
    assert language(ada, "/") == "es"


def test_an_unknown_language_is_not_found(client: CheckingClient) -> None:
    assert client.send("/language/xx").status_code == 404


def test_the_switch_sends_nobody_elsewhere(client: CheckingClient) -> None:
    assert client.send("/language/en", {"next": "https://evil.example/"}).location == "/"
