"""Trouble as pages."""

from __future__ import annotations

import pytest
from apiflask import APIFlask
from jinja2 import FileSystemBytecodeCache

from portal.core.errors import Conflict
from portal.site import Site
from portal.web.context import public
from tests.web.conftest import CheckingClient, app_of


@pytest.fixture
def app(site: Site, compiled_pages: FileSystemBytecodeCache) -> APIFlask:
    """An application of its own, for it gets routes that are broken."""
    return app_of(site, compiled_pages)


def break_at(app: APIFlask, path: str, error: Exception) -> None:
    @public
    def broken() -> str:
        raise error

    app.add_url_rule(path, path.strip("/"), broken)


def test_what_nobody_expected_is_excused_and_tells_nothing(app: APIFlask, client: CheckingClient) -> None:
    break_at(app, "/broken", RuntimeError("the secret inside"))
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert "the secret inside" not in answer.text


def test_expected_trouble_says_what_happened(app: APIFlask, client: CheckingClient) -> None:
    break_at(app, "/taken", Conflict("Somebody was faster."))
    answer = client.get("/taken")
    assert answer.status_code == 409
    assert "Somebody was faster." in answer.text


def test_a_fragment_gets_a_fragment_of_trouble(app: APIFlask, client: CheckingClient) -> None:
    break_at(app, "/taken", Conflict("Somebody was faster."))
    text = client.get("/taken", headers={"HX-Request": "true"}).text
    assert "Somebody was faster." in text
    assert "<html" not in text


def test_a_missing_page_offers_the_way_back(client: CheckingClient) -> None:
    answer = client.get("/nowhere", headers={"Accept-Language": "es"})
    assert "Aquí no hay nada" in answer.text
    assert 'href="/"' in answer.text
