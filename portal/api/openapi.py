"""Completes the OpenAPI 3.1 description: the token, the problems that calls meet, the key that makes a call safe."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from portal.api.idempotency import HEADER, LONGEST_KEY
from portal.api.problems import Problem
from portal.api.schemas.vms import ExtensionAskedOut

EVERYWHERE = (401, 403, 429, 503)
CHANGING = ("post", "put", "patch", "delete")
KEYED = frozenset(
    {"submit_vm_request", "book_lab_session", "invite_class_people", "renew_class_links", "import_timetable"}
)
BODY_OPTIONAL = frozenset(
    {"approve_vm_request", "reset_lab_session", "lock_lab_session", "cancel_lab_session", "renew_class_links"}
)
OPEN = frozenset({"join"})
DESCRIPTION = (
    "The pages' own services with the pages' own permissions. Send `Authorization: Bearer viv_...`; a token is made on "
    "the page of one's account or with `vivero token`. Students send the key that they got when they joined a class; "
    "it opens their own seat and nothing else. Trouble comes as application/problem+json: `type` stays the same for "
    "ever, `detail` is for people."
)


def complete(spec: dict[str, Any] | str) -> dict[str, Any] | str:
    """Called by APIFlask with the description as a dict (as text only for YAML, which we do not serve)."""
    if isinstance(spec, str):
        return spec
    spec["info"]["description"] = DESCRIPTION
    schemas = spec["components"].setdefault("schemas", {})
    add_schema(schemas, "Problem", Problem.model_json_schema(ref_template="#/components/schemas/{model}"))
    add_schema(schemas, "ExtensionAskedOut", ExtensionAskedOut.model_json_schema())
    spec["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    spec["security"] = [{"token": []}]
    for operations in spec["paths"].values():
        for method, operation in operations.items():
            complete_operation(method, operation)
    return spec


def add_schema(schemas: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    schemas.update(schema.pop("$defs", {}))
    schemas[name] = schema


def complete_operation(method: str, operation: dict[str, Any]) -> None:
    takes_input = "requestBody" in operation or bool(operation["parameters"])
    statuses = [
        *EVERYWHERE,
        *((400, 413, 422) if takes_input else ()),
        *((404,) if takes_input or method in CHANGING else ()),
        *((409, 502) if method in CHANGING else ()),
    ]
    for parameter in operation["parameters"]:
        if parameter["in"] == "path" and parameter["name"].endswith("_id"):
            parameter["schema"]["format"] = "uuid"
    for status in statuses:
        operation["responses"][str(status)] = problem_response(status)
    if "requestBody" in operation:
        operation["requestBody"]["required"] = operation["operationId"] not in BODY_OPTIONAL
    if operation["operationId"] in KEYED:
        operation["parameters"].append(key_parameter())
    if operation["operationId"] in OPEN:
        operation["security"] = [{}, {"token": []}]
    if operation["operationId"] == "extend_vm":
        operation["responses"]["202"]["content"] = {
            "application/json": {"schema": {"$ref": "#/components/schemas/ExtensionAskedOut"}}
        }


def problem_response(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": HTTPStatus(status).phrase, "content": {"application/problem+json": {"schema": schema}}}


def key_parameter() -> dict[str, Any]:
    return {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": "The same key with the same body gets the same answer for 24 hours and orders nothing twice.",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
    }
