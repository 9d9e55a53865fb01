"""Snapshots of a machine."""

from __future__ import annotations

from uuid import UUID

from tests.web.conftest import CheckingClient
from tests.web.hypervisor import KeptMachines


def test_taking_a_snapshot_shows_it(ada: CheckingClient, machine: UUID) -> None:
    page = f"/vms/{machine}/snapshots"
    assert ada.send(page, {"name": "antes", "description": "antes de actualizar"}).location == page
    assert "antes de actualizar" in ada.get(page).text


def test_a_name_that_cannot_be_is_said_beside_the_field(ada: CheckingClient, machine: UUID) -> None:
    answer = ada.send(f"/vms/{machine}/snapshots", {"name": "Antes de todo"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert "Antes de todo" in answer.text


def test_the_same_name_twice_is_said_beside_the_field(ada: CheckingClient, machine: UUID) -> None:
    ada.send(f"/vms/{machine}/snapshots", {"name": "antes"})
    assert ada.send(f"/vms/{machine}/snapshots", {"name": "antes"}).status_code == 422


def test_going_back_and_deleting_ask_first(ada: CheckingClient, machine: UUID, hypervisor: KeptMachines) -> None:
    page = f"/vms/{machine}/snapshots"
    ada.send(page, {"name": "antes"})
    assert "antes" in ada.get(f"{page}/revert?name=antes").text
    assert "antes" in ada.get(f"{page}/delete?name=antes").text
    assert ada.send(f"{page}/revert", {"name": "antes"}).location == f"/vms/{machine}"
    ada.send(f"{page}/delete", {"name": "antes"})
    assert hypervisor.kept[machine] == []


def test_a_snapshot_that_is_not_there_is_not_found(ada: CheckingClient, machine: UUID) -> None:
    assert ada.send(f"/vms/{machine}/snapshots/revert", {"name": "nunca"}).status_code == 404


def test_a_silent_host_spoils_only_this_page(ada: CheckingClient, machine: UUID, hypervisor: KeptMachines) -> None:
    hypervisor.silent = True
    assert ada.get(f"/vms/{machine}/snapshots").status_code == 503
    assert ada.get(f"/vms/{machine}").status_code == 200
