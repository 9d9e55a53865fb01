"""Machines: the list, one machine, its power."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from portal.core.lifecycle import VmState
from portal.interfaces import Power
from portal.models import Vm
from portal.site import Site
from portal.web import vms as vms_pages
from tests.factories import make_vm
from tests.web.conftest import CheckingClient, FixedClock
from tests.web.hypervisor import PNG, KeptMachines


def state_of(site: Site, machine: UUID) -> VmState:
    with site.sessions() as db:
        return db.get_one(Vm, machine).state


def test_the_list_shows_ones_machines(ada: CheckingClient, machine: UUID) -> None:
    assert "moodle-farmacia" in ada.get("/vms").text


def test_the_list_finds_by_name_and_says_when_nothing_fits(ada: CheckingClient, machine: UUID) -> None:
    assert "moodle-farmacia" in ada.get("/vms?text=mood").text
    assert "moodle-farmacia" not in ada.get("/vms?text=wiki").text


def test_the_list_of_another_department_is_empty(eve: CheckingClient, machine: UUID) -> None:
    assert "moodle-farmacia" not in eve.get("/vms").text


def test_the_list_can_be_taken_away_as_a_table(ada: CheckingClient, machine: UUID) -> None:
    answer = ada.get("/vms/table.csv")
    assert answer.mimetype == "text/csv"
    assert "moodle-farmacia" in answer.text


def test_a_table_that_is_not_whole_says_so(
    ada: CheckingClient, machine: UUID, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(ada.get("/vms/table.csv").text.splitlines()) == 2
    monkeypatch.setattr(vms_pages, "MOST_IN_CSV", 1)
    with site.write_sessions.begin() as db:
        make_vm(db, owner=db.get_one(Vm, machine).owner)
    assert "1" in ada.get("/vms/table.csv").text.splitlines()[-1]
    assert len(ada.get("/vms/table.csv").text.splitlines()) == 3


def test_htmx_gets_only_the_list(ada: CheckingClient, machine: UUID) -> None:
    text = ada.get("/vms", headers={"HX-Request": "true"}).text
    assert "moodle-farmacia" in text
    assert "<html" not in text


def test_the_page_shows_state_host_and_address(ada: CheckingClient, machine: UUID) -> None:
    text = ada.get(f"/vms/{machine}").text
    for fact in ("hv1", "10.77.16.20", "tone-good"):
        assert fact in text


def test_somebody_of_another_department_does_not_learn_that_it_exists(eve: CheckingClient, machine: UUID) -> None:
    assert eve.get(f"/vms/{machine}").status_code == 404


def test_an_approver_sees_the_machine_but_no_buttons(grace: CheckingClient, machine: UUID) -> None:
    text = grace.get(f"/vms/{machine}").text
    assert "10.77.16.20" in text
    assert f"/vms/{machine}/retire" not in text


@pytest.mark.parametrize("action", ["shut_down", "power_off", "reboot"])
def test_power_buttons_ask_first(ada: CheckingClient, machine: UUID, site: Site, action: str) -> None:
    answer = ada.get(f"/vms/{machine}/power/{action}")
    assert "moodle-farmacia" in answer.text
    assert state_of(site, machine) == VmState.RUNNING


def test_switching_off_and_on(ada: CheckingClient, machine: UUID, site: Site, hypervisor: KeptMachines) -> None:
    assert ada.send(f"/vms/{machine}/power", {"action": "power_off"}).status_code == 303
    assert state_of(site, machine) == VmState.STOPPED
    ada.send(f"/vms/{machine}/power", {"action": "start"})
    assert hypervisor.power[machine] == Power.RUNNING


def test_an_unknown_button_is_not_found(ada: CheckingClient, machine: UUID) -> None:
    assert ada.send(f"/vms/{machine}/power", {"action": "explode"}).status_code == 404


def test_a_stranger_switches_nothing(eve: CheckingClient, machine: UUID, hypervisor: KeptMachines) -> None:
    assert eve.send(f"/vms/{machine}/power", {"action": "power_off"}).status_code == 404
    assert hypervisor.power[machine] == Power.RUNNING


def test_a_silent_host_leads_back_with_a_sentence(ada: CheckingClient, machine: UUID, hypervisor: KeptMachines) -> None:
    hypervisor.silent = True
    address = f"/vms/{machine}"
    answer = ada.send(f"{address}/power", {"action": "start"}, headers={"Referer": f"http://localhost{address}"})
    assert answer.location == address
    assert "does not answer" in ada.get(address).text


def test_the_screen_is_a_picture(ada: CheckingClient, machine: UUID) -> None:
    answer = ada.get(f"/vms/{machine}/screenshot")
    assert answer.data == PNG
    assert answer.mimetype == "image/png"


def test_the_state_fragment_is_not_a_sign_of_life(ada: CheckingClient, machine: UUID, clock: FixedClock) -> None:
    for _ in range(4):
        clock.at += timedelta(minutes=4)
        last = ada.get(f"/vms/{machine}/state", headers={"HX-Request": "true"})
    assert last.status_code == 401
