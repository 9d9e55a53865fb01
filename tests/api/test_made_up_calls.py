"""Made-up calls of all kinds get answers that the description names, and never a 5xx."""

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


@pytest.mark.slow
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
