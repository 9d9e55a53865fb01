"""All that goes wrong, as application/problem+json (RFC 9457) with a `type` that stays the same for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from apiflask import APIFlask, HTTPError
from flask import Response
from pydantic import BaseModel, Field
from werkzeug.exceptions import HTTPException

from portal.api.languages import in_words
from portal.core.errors import InvalidOrder, PortalError

PREFIX = "urn:vivero:problem:"
MEDIA_TYPE = "application/problem+json"
FIELDS = {"department_id": "department"}  # what the services call otherwise than the bodies here
CODES = {
    400: "not-understood",
    401: "no-token",
    404: "not-found",
    405: "wrong-method",
    408: "too-slow",
    413: "too-large",
    415: "not-json",
    422: "invalid",
    429: "too-often",
    500: "our-fault",
}

log = structlog.get_logger(__name__)


class FieldProblem(BaseModel):
    field: str = Field(description="The place in the body or query; empty for the whole of it.")
    message: str


class Problem(BaseModel):
    """RFC 9457. `type` is stable, `detail` is for people."""

    type: str = Field(description="urn:vivero:problem:<code>", examples=["urn:vivero:problem:already-decided"])
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = None


def init_problems(app: APIFlask) -> None:
    app.register_error_handler(PortalError, from_portal_error)
    app.register_error_handler(HTTPError, from_api_error)
    app.register_error_handler(HTTPException, from_http_error)
    app.register_error_handler(Exception, from_surprise)


def answer(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = document_of(status, code, detail, errors)
    return Response(body, status=status, mimetype=MEDIA_TYPE, headers=dict(headers or {}))


def document_of(status: int, code: str, detail: str, errors: list[FieldProblem] | None = None) -> str:
    problem = Problem(type=PREFIX + code, title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
    return problem.model_dump_json(exclude_none=True)


def problem_document(status: int, detail: str) -> tuple[str, bytes]:
    """Media type and body of a problem that was met before the call came to the API."""
    return MEDIA_TYPE, document_of(status, CODES.get(status, "refused"), detail).encode()


def from_portal_error(error: PortalError) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return answer(error.status, error.code, in_words(error), errors=list(fields_of(error)) or None, headers=headers)


def fields_of(error: PortalError) -> Iterator[FieldProblem]:
    if isinstance(error, InvalidOrder):
        for one in error.errors:
            yield from fields_of(one)
    elif error.field:
        yield FieldProblem(field=FIELDS.get(error.field, error.field), message=in_words(error))


def from_api_error(error: HTTPError) -> Response:
    """What the schemas refuse: {"json": {"copies": ["..."]}} becomes a list of fields."""
    errors = [
        FieldProblem(field="" if field == "_schema" else field, message=message)
        for place in places_of(error.detail)
        for field, messages in place.items()
        for message in messages
    ]
    status = error.status_code
    return answer(status, CODES.get(status, "refused"), error.message or "", errors=errors or None)


def places_of(detail: Any) -> Iterator[Mapping[str, list[str]]]:
    if isinstance(detail, Mapping):
        yield from (place for place in detail.values() if isinstance(place, Mapping))


def from_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    kept = {name: value for name, value in error.get_headers() if name.lower() in {"allow", "retry-after"}}
    return answer(status, CODES.get(status, "refused"), error.description or "", headers=kept)


def from_surprise(error: Exception) -> Response:
    log.error("surprise in the API", exc_info=error)
    return answer(500, CODES[500], "This is our fault, not yours. It was written down.")
