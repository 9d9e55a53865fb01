"""Departments, as the administrator makes and changes them."""

from __future__ import annotations

from portal.core.quota import Amount
from portal.services import departments, quotas
from portal.site import Site
from tests.web.conftest import CheckingClient, People

NEW = {"slug": "uci", "name": "Cuidados intensivos", "machines": 5, "vcpus": 10, "memory_gib": 16, "disk_gib": 200}


def limit_of(site: Site, slug: str) -> Amount:
    with site.sessions() as db:
        return quotas.limit_of(departments.by_slug(db, slug))


def test_a_department_is_made_with_what_it_may_take(alan: CheckingClient, site: Site) -> None:
    assert alan.get("/departments/new").status_code == 200
    assert alan.send("/departments/new", NEW).status_code == 303
    assert limit_of(site, "uci") == Amount(5, 10, 16 * 1024, 200)
    assert "Cuidados intensivos" in alan.get("/departments").text


def test_all_that_is_wrong_with_a_new_department_is_said(alan: CheckingClient) -> None:
    answer = alan.send("/departments/new", {**NEW, "name": "", "vcpus": "-1", "disk_gib": "many"})
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 3


def test_a_short_name_that_is_taken_stands_beside_its_field(alan: CheckingClient, people: People) -> None:
    answer = alan.send("/departments/new", {**NEW, "slug": "farmacia"})
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 1


def test_name_and_quota_are_changed(alan: CheckingClient, people: People, site: Site) -> None:
    address = f"/departments/{people.pharmacy}"
    assert "Farmacia" in alan.get(address).text
    assert alan.send(address, {**NEW, "name": "Farmacia central", "machines": 0}).status_code == 303
    assert limit_of(site, "farmacia") == Amount(0, 10, 16 * 1024, 200)
    assert "Farmacia central" in alan.get("/departments").text


def test_a_change_that_is_wrong_changes_nothing(alan: CheckingClient, people: People, site: Site) -> None:
    before = limit_of(site, "farmacia")
    assert alan.send(f"/departments/{people.pharmacy}", {**NEW, "memory_gib": ""}).status_code == 422
    assert limit_of(site, "farmacia") == before
