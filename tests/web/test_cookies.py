"""Names of our cookies: behind https no guest of the same parent domain can plant one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from apiflask import APIFlask
from werkzeug.test import TestResponse

from portal.live.visitors import login_key, seat_key
from portal.site import Site
from portal.web.sessions import Sessions
from tests.web.conftest import PASSWORD, CheckingClient, People


@pytest.fixture
def https_site(site: Site, app: APIFlask) -> Site:
    """The same application behind https."""
    secure = replace(site, settings=replace(site.settings, base_url="https://localhost"))
    app.extensions["vivero"], app.session_interface = secure, Sessions(secure)
    return secure


class SecureClient(CheckingClient):
    """A browser that came by https."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        headers = {"Referer": "https://localhost/login"}  # which Flask-WTF wants to see over https
        return super().open(*args, **{"base_url": "https://localhost", "headers": headers, **kwargs})


@pytest.fixture
def browser(https_site: Site, app: APIFlask, people: People) -> SecureClient:
    return SecureClient(app, app.response_class)


def cookies_of(answer: TestResponse) -> list[str]:
    return answer.headers.getlist("Set-Cookie")


def test_over_https_the_log_in_is_bound_to_this_very_host(https_site: Site, browser: SecureClient) -> None:
    answer = browser.send("/login", {"login": "ada", "password": PASSWORD})
    cookie = next(one for one in cookies_of(answer) if "vivero_session=" in one)
    assert cookie.startswith("__Host-vivero_session=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert browser.get("/").status_code == 200


def test_a_planted_cookie_with_the_plain_name_is_not_looked_at(https_site: Site, browser: SecureClient) -> None:
    browser.send("/login", {"login": "ada", "password": PASSWORD})
    key = browser.get_cookie("__Host-vivero_session")
    assert key is not None
    other = SecureClient(browser.application, browser.application.response_class)
    other.set_cookie("vivero_session", key.value, secure=True)
    assert other.get("/").status_code == 303
    scope = {"headers": [(b"cookie", f"vivero_session={key.value}; vivero_seat=x".encode())]}
    assert login_key(scope, https_site.settings) is None
    assert seat_key(scope, https_site.settings) is None


def test_over_plain_http_names_have_no_prefix_because_browsers_would_refuse_them(site: Site) -> None:
    assert site.settings.cookie("vivero_seat") == "vivero_seat"
