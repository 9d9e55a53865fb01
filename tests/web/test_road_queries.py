"""Lists ask the database as often with fifty rows as with two."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from portal.site import Site
from tests.factories.queries import counted
from tests.web.conftest import NOW, CheckingClient, People
from tests.web.ordering import request_of, stock


def queries_of(site: Site, client: CheckingClient, address: str) -> int:
    client.get(address)
    with counted(site.sessions.kw["bind"]) as said:
        assert client.get(address).status_code == 200
    return len(said)


def fill(site: Site, who: UUID, numbers: range) -> None:
    for number in numbers:
        request_of(site, who, name=f"wiki-{number:03d}", submitted_at=NOW + timedelta(minutes=number))


@pytest.mark.parametrize("address", ["/vm-requests?whose=all", "/approvals", "/catalogue"])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    grace: CheckingClient, site: Site, people: People, address: str
) -> None:
    stock(site)
    fill(site, people.ada, range(2))
    few = queries_of(site, grace, address)
    fill(site, people.tom, range(2, 50))
    assert queries_of(site, grace, address) == few


def test_a_request_page_with_many_copies_asks_no_more(ada: CheckingClient, site: Site, people: People) -> None:
    stock(site)
    one, many = request_of(site, people.ada, name="one"), request_of(site, people.ada, name="many", copies=9)
    assert queries_of(site, ada, f"/vm-requests/{one.id}") == queries_of(site, ada, f"/vm-requests/{many.id}")
