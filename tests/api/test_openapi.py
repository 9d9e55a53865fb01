"""The description names every call of the API and the version it keeps to."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client


@pytest.fixture
def described(app: Flask) -> dict[str, Any]:
    answer = Client(app).get("/api/v1/openapi.json")
    assert answer.status_code == 200
    described: dict[str, Any] = answer.get_json()
    return described


def test_the_description_is_open_and_of_version_3_1(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    assert described["servers"] == [{"url": "/api/v1"}]


def test_all_calls_are_described(described: dict[str, Any]) -> None:
    found = {f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods}
    assert found == {
        "GET /templates",
        "POST /vm-requests",
        "GET /vm-requests",
        "GET /vm-requests/{vm_request_id}",
        "POST /vm-requests/{vm_request_id}/approve",
        "POST /vm-requests/{vm_request_id}/deny",
        "POST /vm-requests/{vm_request_id}/cancel",
        "POST /vm-requests/{vm_request_id}/retry",
        "POST /vm-requests/{vm_request_id}/roll-back",
        "GET /vms",
        "GET /vms/{vm_id}",
        "POST /vms/{vm_id}/power",
        "POST /vms/{vm_id}/extend",
        "DELETE /vms/{vm_id}",
        "GET /labs",
        "GET /labs/{slug}",
        "POST /labs/{slug}/clone",
        "POST /labs/{slug}/subscription",
        "POST /labs/{slug}/trial",
        "POST /lab-sessions",
        "GET /lab-sessions",
        "GET /lab-sessions/{lab_session_id}",
        "PATCH /lab-sessions/{lab_session_id}",
        "GET /lab-sessions/waiting",
        "POST /lab-sessions/{lab_session_id}/approve",
        "POST /lab-sessions/{lab_session_id}/deny",
        "GET /lab-sessions/{lab_session_id}/keepings",
        "POST /lab-sessions/{lab_session_id}/keepings/{keeping_id}/grant",
        "POST /lab-sessions/{lab_session_id}/keepings/{keeping_id}/decline",
        "POST /lab-sessions/{lab_session_id}/keepings/{keeping_id}/prolong",
        "POST /lab-sessions/{lab_session_id}/keepings/{keeping_id}/end",
        "GET /seat/keep",
        "POST /seat/keep",
        "DELETE /seat/keep",
        "POST /seat/give-back",
        "POST /lab-sessions/{lab_session_id}/prepare",
        "POST /lab-sessions/{lab_session_id}/open",
        "POST /lab-sessions/{lab_session_id}/reset",
        "POST /lab-sessions/{lab_session_id}/message",
        "POST /lab-sessions/{lab_session_id}/lock",
        "POST /lab-sessions/{lab_session_id}/step",
        "POST /lab-sessions/{lab_session_id}/end",
        "POST /lab-sessions/{lab_session_id}/cancel",
        "GET /lab-sessions/{lab_session_id}/people",
        "POST /lab-sessions/{lab_session_id}/people",
        "POST /lab-sessions/{lab_session_id}/people/links",
        "POST /lab-sessions/{lab_session_id}/people/only",
        "DELETE /lab-sessions/{lab_session_id}/people/{invitation_id}",
        "POST /lab-sessions/import",
        "POST /seats/{seat_id}/reset",
        "POST /seats/{seat_id}/check",
        "POST /join",
        "GET /seat",
        "POST /seat",
        "GET /hosts",
        "GET /audit",
    }
