"""Machines through the API."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import Host, Vm
from portal.site import Site
from tests.api.conftest import Caller, problem
from tests.factories import ListQueue, make_vm


@pytest.fixture
def wiki(ada: Caller, db: Session) -> Vm:
    host = db.scalars(select(Host).order_by(Host.name)).first()
    assert host is not None
    vm = make_vm(db, owner=db.merge(ada.account), name="wiki", host_id=host.id)  # type: ignore[arg-type]
    db.commit()
    return vm


def test_one_sees_the_machines_of_ones_department(ada: Caller, grace: Caller, eve: Caller, wiki: Vm) -> None:
    names = [[vm["name"] for vm in who.get("/vms").get_json()["items"]] for who in (ada, grace, eve)]
    assert names == [["wiki"], ["wiki"], []]


def test_the_auditor_reads_everything_and_switches_nothing(olga: Caller, wiki: Vm) -> None:
    for path in ("/vms", f"/vms/{wiki.id}", "/vm-requests", f"/vm-requests/{wiki.vm_request_id}"):
        assert olga.get(path).status_code == 200, path
    assert problem(olga.post(f"/vms/{wiki.id}/power", {"action": "power_off"})) == (403, "not-allowed")


def test_asking_a_machine_to_shut_down_says_so(ada: Caller, wiki: Vm) -> None:
    answer = ada.post(f"/vms/{wiki.id}/power", {"action": "shut_down"}, **{"Accept-Language": "en"}).get_json()
    assert (answer["state"], answer["state_reason"]) == ("running", "It was asked to shut down.")
    in_spanish = ada.get(f"/vms/{wiki.id}", **{"Accept-Language": "es"}).get_json()
    assert in_spanish["state_reason"] == "Se le ha pedido que se apague."


def test_a_machine_says_where_it_runs(ada: Caller, wiki: Vm) -> None:
    shown = ada.get(f"/vms/{wiki.id}").get_json()
    assert (shown["name"], shown["host"], shown["state"], shown["template"]) == ("wiki", "hv1", "running", "dokuwiki")


def test_one_switches_ones_machine(ada: Caller, wiki: Vm, site: Site) -> None:
    answer = ada.post(f"/vms/{wiki.id}/power", {"action": "power_off"})
    assert (answer.status_code, answer.get_json()["state"]) == (200, "stopped")
    assert "power_off" in site.hypervisor.told  # type: ignore[attr-defined]


def test_there_are_four_switches(ada: Caller, wiki: Vm) -> None:
    assert problem(ada.post(f"/vms/{wiki.id}/power", {"action": "explode"})) == (422, "invalid")


@pytest.mark.parametrize("path", ["power", "extend"])
def test_another_department_finds_no_machine(eve: Caller, wiki: Vm, path: str) -> None:
    body = {"action": "start"} if path == "power" else {"ends_on": "2026-06-01"}
    assert problem(eve.post(f"/vms/{wiki.id}/{path}", body)) == (404, "not-found")
    assert problem(eve.call("DELETE", f"/vms/{wiki.id}")) == (404, "not-found")


def test_a_longer_lease_within_policy_is_given_at_once(ada: Caller, wiki: Vm) -> None:
    answer = ada.post(f"/vms/{wiki.id}/extend", {"ends_on": "2026-08-01"})
    assert (answer.status_code, answer.get_json()["expires_at"][:10]) == (200, "2026-08-01")


def test_beyond_policy_it_becomes_a_request(ada: Caller, wiki: Vm) -> None:
    refused = ada.post(f"/vms/{wiki.id}/extend", {"ends_on": "2027-12-01"})
    assert [error["field"] for error in refused.get_json()["errors"]] == ["reason"]
    asked = ada.post(f"/vms/{wiki.id}/extend", {"ends_on": "2027-12-01", "reason": "The study lasts longer"})
    assert (asked.status_code, asked.get_json()["state"]) == (202, "submitted")


def test_giving_back_is_queued(ada: Caller, wiki: Vm, queue: ListQueue) -> None:
    assert ada.call("DELETE", f"/vms/{wiki.id}").status_code == 202
    assert [entry[2] for entry in queue.entries] == [str(wiki.id)]
