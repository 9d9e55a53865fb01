"""The whole application on a real server: Flask's part gets whole bodies of bounded size."""

from __future__ import annotations

import asyncio

import pytest

from portal import asgi
from portal.site import Site
from tests.live.conftest import serving


def test_pages_are_flasks(site: Site) -> None:
    async def scenario() -> bytes:
        async with serving(site) as server:
            return await server.get("/vms", method="POST", body=b"x" * 70_000)

    assert b"POST 70000" in asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/vms?text=a%00b", "/api/v1/vms?state=%00"])
def test_an_invisible_character_in_the_query_goes_no_further(site: Site, path: str) -> None:
    async def scenario() -> bytes:
        async with serving(site) as server:
            return await server.get(path)

    assert b" 400 " in asyncio.run(scenario())


def test_too_large_a_body_is_refused(site: Site) -> None:
    async def scenario() -> bytes:
        async with serving(site) as server:
            return await server.get("/vms", method="POST", body=b"x" * (asgi.LARGEST_BODY + 1))

    assert b" 413 " in asyncio.run(scenario())


def test_a_call_of_the_api_with_too_large_a_body_gets_a_problem(site: Site) -> None:
    async def scenario() -> bytes:
        async with serving(site) as server:
            return await server.get("/api/v1/vm-requests", method="POST", body=b"x" * (asgi.LARGEST_BODY + 1))

    said = asyncio.run(scenario())
    assert b" 413 " in said
    assert b"application/problem+json" in said
    assert b"urn:vivero:problem:too-large" in said


def test_a_body_that_does_not_come_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "BODY_WITHIN_S", 0.2)

    async def scenario() -> bytes:
        async with serving(site) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\nabc")
            answer = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            return answer

    assert b" 408 " in asyncio.run(scenario())
