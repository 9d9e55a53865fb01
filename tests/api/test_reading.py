"""What is only read through the API: catalogue, hosts, audit log."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from portal.core.policy import Role
from portal.models import Host
from portal.services import audit
from tests.api.conftest import Caller, ordered, problem
from tests.factories import make_vm
from tests.factories.moments import NOW


def test_the_catalogue_says_what_may_be_ordered(ada: Caller) -> None:
    (wiki,) = ada.get("/templates").get_json()
    assert (wiki["slug"], wiki["version"], wiki["orderable"]) == ("dokuwiki", 1, True)
    small = dict(wiki["sizes"][0])
    limits = small.pop("limits")
    assert small == {"slug": "small", "label": "small", "vcpus": 1, "memory_mib": 1024, "disk_gib": 10}
    assert limits["memory_mib"] == {"min": 1024, "max": 1024}
    assert wiki["parameters"] == []


def test_the_catalogue_speaks_the_callers_language(ada: Caller) -> None:
    described = [
        ada.get("/templates", Accept_Language=language).get_json()[0]["description"] for language in ("es", "en")
    ]
    assert described == ["Una wiki", "A wiki"]


def test_hosts_show_what_they_carry(alan: Caller) -> None:
    answer = alan.get("/hosts").get_json()
    assert [host["name"] for host in answer["items"]] == ["hv1", "hv2", "hv3"]
    assert answer["free_with_reserve"]["memory_mib"] == 2 * 16 * 1024


def test_a_host_that_should_answer_and_does_not_says_so(alan: Caller, db: Session) -> None:
    db.query(Host).filter_by(name="hv2").one().trouble = "The host hv2 does not answer."
    db.commit()
    answer = {host["name"]: host for host in alan.get("/hosts", Accept_Language="es").get_json()["items"]}
    assert [answer[name]["answers"] for name in ("hv1", "hv2")] == [True, False]
    assert "hv2" in answer["hv2"]["trouble"]
    assert "does not" not in answer["hv2"]["trouble"]


def test_the_audit_log_is_for_the_auditor(ada: Caller, alan: Caller, olga: Caller) -> None:
    ordered(ada)
    assert problem(alan.get("/audit")) == (403, "not-allowed")
    entries = olga.get("/audit?action=vm_request.submitted").get_json()["items"]
    assert [(entry["actor"], entry["subject_name"]) for entry in entries] == [("Ada", "wiki")]


def test_pages_of_the_audit_log_are_bounded(olga: Caller) -> None:
    assert problem(olga.get("/audit?limit=1000"))[0] == 422
    assert problem(olga.get("/audit?page=0"))[0] == 422
    assert problem(olga.get("/audit?since=yesterday"))[0] == 422
    assert olga.get("/audit?since=2026-01-01T00:00:00Z").status_code == 200


@pytest.mark.parametrize("path", ["/vm-requests?state=&department=&page=&text=", "/vms?state=&department=&page="])
def test_an_empty_filter_is_no_filter(ada: Caller, path: str) -> None:
    ordered(ada)
    answer = ada.get(path)
    assert answer.status_code == 200
    assert (answer.get_json()["page"], answer.get_json()["total"]) == (1, int("vm-requests" in path))


@pytest.mark.parametrize(
    ("path", "role"), [("/vm-requests", Role.ADMIN), ("/vms", Role.ADMIN), ("/audit", Role.AUDITOR)]
)
def test_a_page_past_the_end_is_empty(caller: Callable[..., Caller], db: Session, path: str, role: Role) -> None:
    who = caller("somebody", role)
    audit.record(db, actor=None, action="x", subject=audit.subject_of(make_vm(db)), now=NOW)
    db.commit()
    first, third = (who.get(f"{path}?page={number}").get_json() for number in (1, 3))
    assert (len(first["items"]) > 0, first["page"], first["pages"]) == (True, 1, 1)
    assert (third["items"], third["page"], third["pages"]) == ([], 3, 1)


def test_the_auditor_reads_requests_and_machines_and_changes_none(ada: Caller, olga: Caller, db: Session) -> None:
    vm_request_id = ordered(ada)
    vm = make_vm(db)
    db.commit()
    for path in ("/vm-requests", "/vms"):
        assert len(olga.get(path).get_json()["items"]) > 0
    assert olga.get(f"/vm-requests/{vm_request_id}").get_json()["name"] == "wiki"
    assert olga.get(f"/vms/{vm.id}").get_json()["name"] == vm.name
    for path, body in ((f"/vm-requests/{vm_request_id}/cancel", {}), (f"/vms/{vm.id}/power", {"action": "start"})):
        assert problem(olga.post(path, body)) == (403, "not-allowed")
