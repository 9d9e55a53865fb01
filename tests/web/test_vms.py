"""Machines: the list, one machine, its power."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from portal.core.lifecycle import StepState, VmState
from portal.interfaces import Power
from portal.models import Vm, Workflow, WorkflowStep
from portal.services import vms
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


def give_back(ada: CheckingClient, site: Site, machine: UUID) -> None:
    ada.send(f"/vms/{machine}/retire")
    with site.write_sessions.begin() as db:
        workflow = db.query(Workflow).filter_by(subject_id=machine).one()
        db.add(WorkflowStep(workflow_id=workflow.id, position=0, name="Remove the machine", state=StepState.RUNNING))


def test_a_machine_that_is_being_given_back_says_so_and_has_no_buttons(
    ada: CheckingClient, machine: UUID, site: Site
) -> None:
    give_back(ada, site, machine)
    text = ada.get(f"/vms/{machine}").text
    assert "being given back" in text
    assert "Remove the machine" in text
    for button in ("console", "power/reboot", "retire", "extend", "hand-over", "snapshots"):
        assert f"/vms/{machine}/{button}" not in text


def test_the_whole_page_is_loaded_anew_once_its_machine_has_changed(
    ada: CheckingClient, machine: UUID, site: Site
) -> None:
    shape = ada.get(f"/vms/{machine}").text.split("shape=", 1)[1].split('"', 1)[0]
    fragment = f"/vms/{machine}/state?shape={shape}"
    assert "HX-Refresh" not in ada.get(fragment).headers
    give_back(ada, site, machine)
    assert ada.get(fragment).headers["HX-Refresh"] == "true"


def test_the_page_sees_that_a_machine_has_shut_down_before_the_worker_looks(
    ada: CheckingClient, machine: UUID, site: Site
) -> None:
    ada.send(f"/vms/{machine}/power", {"action": "shut_down"})
    text = ada.get(f"/vms/{machine}/state?shape=running").text
    assert "Start" in text
    assert "by itself" not in text
    assert state_of(site, machine) == VmState.STOPPED


def test_a_machine_on_a_dead_host_is_not_said_to_run(ada: CheckingClient, machine: UUID, site: Site) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(Vm, machine).host.trouble = "The host does not answer."  # type: ignore[union-attr]
    text = ada.get(f"/vms/{machine}").text
    assert "not known" in text
    assert "does not answer" in text
    for part in ("/screenshot", "/console", "/power", "tone-good"):
        assert part not in text


def test_a_machine_that_was_given_back_does_not_say_how_long_it_stays(
    ada: CheckingClient, machine: UUID, site: Site, clock: FixedClock
) -> None:
    with site.write_sessions.begin() as db:
        vm = db.get_one(Vm, machine)
        vm.move_to(VmState.RETIRED)
        vm.retired_at = clock.at
    assert "How long it stays" not in ada.get(f"/vms/{machine}").text


def test_a_paused_machine_can_be_started_again(
    ada: CheckingClient, machine: UUID, site: Site, hypervisor: KeptMachines
) -> None:
    with site.write_sessions.begin() as db:
        db.get_one(Vm, machine).state_reason = vms.STANDS_STILL
    hypervisor.power[machine] = Power.PAUSED
    assert "paused" in ada.get(f"/vms/{machine}").text
    ada.send(f"/vms/{machine}/power", {"action": "start"})
    assert hypervisor.power[machine] == Power.RUNNING
    assert "paused" not in ada.get(f"/vms/{machine}").text


def test_the_auditor_looks_at_machines_and_switches_none(client: CheckingClient, machine: UUID) -> None:
    client.log_in("olga")
    for page in ("/vms", "/vms/table.csv", f"/vms/{machine}", f"/vms/{machine}/state"):
        assert client.get(page).status_code == 200, page
    assert client.send(f"/vms/{machine}/power", {"action": "power_off"}).status_code == 403
