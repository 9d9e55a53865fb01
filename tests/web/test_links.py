"""Nobody is shown a link that their account may not follow."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from portal.models import Account, Vm
from portal.site import Site
from tests.factories import make_vm_request
from tests.web.conftest import CheckingClient, People

LINK = re.compile(r'(?:href|hx-get)="(/[^"#?]*)')
NOT_PAGES = ("/static/", "/language/")
LOGINS = ("ada", "grace", "tom", "sam", "alan", "olga")


def links_of(text: str) -> set[str]:
    return {address for address in LINK.findall(text) if not address.startswith(NOT_PAGES)}


def dead_links(client: CheckingClient) -> dict[str, int]:
    """Follow every link from the overview on, each address once."""
    waiting, seen, dead = {"/"}, {"/logout"}, {}
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = client.get(address)
        answer.get_data()  # a file that is written while it is sent is read to its end
        if answer.status_code >= 400:
            dead[address] = answer.status_code
        elif answer.mimetype == "text/html":
            waiting |= links_of(answer.text) - seen
    return dead


@pytest.mark.parametrize("login", LOGINS)
def test_no_link_leads_where_the_person_may_not_go(
    client: CheckingClient, people: People, machine: UUID, site: Site, login: str
) -> None:
    with site.write_sessions.begin() as db:
        vm = db.get_one(Vm, machine)
        make_vm_request(db, by=db.get_one(Account, people.ada), name="otra-wiki")
        if login == "sam":
            vm.owner_id = people.sam
    assert dead_links(client.log_in(login)) == {}


def test_an_auditor_reads_machines_and_is_offered_nothing_to_press(olga: CheckingClient, machine: UUID) -> None:
    assert "moodle-farmacia" in olga.get("/vms").text
    text = olga.get(f"/vms/{machine}").text
    assert "10.77.16.20" in text
    for forbidden in ("/console", "/power", "/extend", "/snapshots", "/retire"):
        assert f"/vms/{machine}{forbidden}" not in text
