"""Whose pages may open a connection."""

from __future__ import annotations

import pytest

from portal.live.visitors import from_our_pages

OWN = "http://127.0.0.1:8080"


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
def test_this_machines_names_are_one(origin: str) -> None:
    assert from_our_pages({"headers": [(b"origin", origin.encode())]}, OWN)


@pytest.mark.parametrize(
    "origin", ["http://localhost:8081", "https://localhost:8080", "http://localhost.evil.example:8080", "null"]
)
def test_another_port_scheme_or_name_is_another_origin(origin: str) -> None:
    assert not from_our_pages({"headers": [(b"origin", origin.encode())]}, OWN)


def test_this_machines_names_open_nothing_of_a_portal_that_has_a_name() -> None:
    assert not from_our_pages({"headers": [(b"origin", b"http://localhost")]}, "http://vivero.example")
