"""The page of a console and its tickets."""

from __future__ import annotations

from uuid import UUID

import pytest

from portal.core.lifecycle import VmState
from portal.models import ConsoleTicket, Vm
from portal.services.login_sessions import hash_of
from portal.site import Site
from tests.web.conftest import CheckingClient


def test_the_page_has_both_consoles_and_needs_no_inline_script(ada: CheckingClient, machine: UUID) -> None:
    text = ada.get(f"/vms/{machine}/console").text
    assert text.count('role="tab"') == 2


@pytest.mark.parametrize("kind", ["graphical", "serial"])
def test_a_ticket_belongs_to_this_log_in_and_is_kept_as_a_hash(
    ada: CheckingClient, machine: UUID, site: Site, kind: str
) -> None:
    answer = ada.send(f"/vms/{machine}/console-ticket", {"kind": kind}).get_json()
    key = ada.get_cookie("vivero_session")
    assert key is not None
    assert answer["url"] == "/live/console"
    with site.sessions() as db:
        ticket = db.query(ConsoleTicket).one()
        assert ticket.login_session_hash == hash_of(key.value)
        assert answer["ticket"] not in repr(ticket)


def test_an_unknown_console_is_refused_in_words(ada: CheckingClient, machine: UUID) -> None:
    answer = ada.send(f"/vms/{machine}/console-ticket", {"kind": "brain"})
    assert answer.status_code == 422
    assert answer.get_json()["error"]


def test_a_machine_that_is_off_says_so(ada: CheckingClient, machine: UUID, site: Site) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(Vm, machine).move_to(VmState.STOPPED)
    answer = ada.send(f"/vms/{machine}/console-ticket", {"kind": "serial"})
    assert answer.status_code == 409
    assert answer.get_json()["error"]


def test_who_may_only_look_gets_no_console(grace: CheckingClient, machine: UUID) -> None:
    assert grace.get(f"/vms/{machine}/console").status_code == 403


@pytest.mark.parametrize(("system", "keyboard"), [("Debian 12", "es"), ("Windows XP", "es-windows")])
def test_the_keyboard_offered_is_that_of_the_machines_system(
    ada: CheckingClient, machine: UUID, site: Site, system: str, keyboard: str
) -> None:
    with site.write_sessions.begin() as db:
        version = db.get_one(Vm, machine).template_version
        version.spec = {**version.spec, "system": {**version.spec["system"], "name": system}}
    assert f'value="{keyboard}" selected' in ada.get(f"/vms/{machine}/console").text
