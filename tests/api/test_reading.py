"""What is only read through the API: catalogue, hosts, audit log."""

from __future__ import annotations

from tests.api.conftest import Caller, ordered, problem


def test_the_catalogue_says_what_may_be_ordered(ada: Caller) -> None:
    (wiki,) = ada.get("/templates").get_json()["items"]
    assert (wiki["slug"], wiki["version"], wiki["orderable"]) == ("dokuwiki", 1, True)
    small = dict(wiki["sizes"][0])
    limits = small.pop("limits")
    assert small == {"slug": "small", "label": "small", "vcpus": 1, "memory_mib": 1024, "disk_gib": 10}
    assert limits["memory_mib"] == {"min": 1024, "max": 1024}
    assert wiki["parameters"] == []


def test_the_catalogue_speaks_the_callers_language(ada: Caller) -> None:
    described = [
        ada.get("/templates", Accept_Language=language).get_json()["items"][0]["description"]
        for language in ("es", "en")
    ]
    assert described == ["Una wiki", "A wiki"]


def test_hosts_show_what_they_carry(alan: Caller) -> None:
    answer = alan.get("/hosts").get_json()
    assert [host["name"] for host in answer["items"]] == ["hv1", "hv2", "hv3"]
    assert answer["free_with_reserve"]["memory_mib"] == 2 * 16 * 1024


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
