"""What every answer tells the browser not to do."""

from __future__ import annotations

import re

from tests.web.conftest import CheckingClient


def policy(client: CheckingClient, path: str = "/login") -> dict[str, str]:
    header = client.get(path).headers["Content-Security-Policy"]
    return dict(part.split(" ", 1) for part in header.split("; "))


def test_nothing_runs_that_does_not_carry_the_nonce(client: CheckingClient) -> None:
    found = policy(client)
    assert found["default-src"] == "'none'"
    assert "unsafe" not in " ".join(found.values())
    assert re.fullmatch(r"'self' 'nonce-[\w-]{20,}'", found["script-src"])


def test_every_page_has_a_nonce_of_its_own(client: CheckingClient) -> None:
    assert policy(client)["script-src"] != policy(client)["script-src"]


def test_no_other_site_may_frame_the_portal(client: CheckingClient) -> None:
    answer = client.get("/login")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_pages_are_kept_nowhere_and_static_files_for_long(client: CheckingClient) -> None:
    page = client.get("/login")
    style = re.search(r"/static/vivero\.css\?v=\w+", page.text)
    assert page.headers["Cache-Control"] == "no-store"
    assert style is not None
    with client.get(style.group()) as file:
        assert "immutable" in file.headers["Cache-Control"]


def test_a_static_file_without_version_is_asked_for_again(client: CheckingClient) -> None:
    with client.get("/static/vendor/novnc/core/rfb.js") as file:
        assert file.headers["Cache-Control"] == "no-cache"


def test_errors_carry_the_headers_too(client: CheckingClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert "Content-Security-Policy" in answer.headers
