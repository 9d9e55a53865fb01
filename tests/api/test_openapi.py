"""The description fits the API: made-up calls of all kinds get answers that it names, and never a 5xx."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from werkzeug.test import Client

from tests.api.conftest import Caller, ordered

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


FEW = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


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
        "GET /hosts",
        "GET /audit",
    }


def test_made_up_calls_get_answers_that_are_described(app: Flask, alan: Caller, ada: Caller) -> None:
    ordered(ada)
    headers = {"Authorization": f"Bearer {alan.token}"}

    @settings(FEW)
    @given(data=st.data())
    def try_one(data: st.DataObject, operation: Any) -> None:
        case = data.draw(operation.as_strategy())
        case.validate_response(case.call(headers=headers), checks=CHECKS)

    for found in schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app).get_all_operations():
        try_one(operation=found.ok())
