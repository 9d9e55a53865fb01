"""All that goes wrong, as application/problem+json (RFC 9457) with a `type` that stays the same for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

import structlog
from apiflask import APIFlask, HTTPError
from flask import Response
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException

from portal.api.languages import in_words, translated
from portal.api.validation_words import refused
from portal.core.errors import N_, ClassDoesNotFit, DatesDoNotFit, InvalidOrder, Misfit, PortalError

PREFIX = "urn:vivero:problem:"
MEDIA_TYPE = "application/problem+json"
FIELDS = {  # what the services call otherwise than the bodies here
    "department_id": "department",
    "day": "starts_at",
    "at": "starts_at",
    "times": "repeat.times",
    "dates": "repeat.dates",
}
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

REFUSED = N_("Something in it is not right: see “errors”.")
SENTENCES = {
    400: N_("This could not be understood."),
    404: N_("There is nothing at this address."),
    405: N_("This address is not for this method."),
    413: N_("This is too large."),
    415: N_("The body must be JSON, with Content-Type: application/json."),
    429: N_("Too many calls. Wait a moment."),
    500: N_("This is our fault, not yours. It was written down."),
}

log = structlog.get_logger(__name__)


class FieldProblem(BaseModel):
    field: str = Field(description="The place in the body or query; empty for the whole of it.")
    message: str


class DateProblem(BaseModel):
    lab_session: UUID
    starts_at: datetime = Field(description="When it begins now.")
    detail: str


class Problem(BaseModel):
    """RFC 9457. `type` is stable, `detail` is for people."""

    type: str = Field(description="urn:vivero:problem:<code>", examples=["urn:vivero:problem:already-decided"])
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = None
    alternatives: list[datetime] | None = Field(
        None, description="Of a class that does not fit: the nearest beginnings at which it would, with all its dates."
    )
    seats_that_fit: int | None = Field(
        None, description="Of a class that does not fit: for how many seats the wished time has room."
    )
    misfits: list[DateProblem] | None = Field(
        None, description="Of dates of a series that cannot be changed as wished: each, and why. Nothing was changed."
    )


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
    **more: object,
) -> Response:
    body = document_of(status, code, detail, errors, **more)
    return Response(body, status=status, mimetype=MEDIA_TYPE, headers=dict(headers or {}))


def document_of(status: int, code: str, detail: str, errors: list[FieldProblem] | None = None, **more: object) -> str:
    head = {"type": PREFIX + code, "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return Problem.model_validate({**head, "errors": errors, **more}).model_dump_json(exclude_none=True)


def problem_document(status: int, detail: str) -> tuple[str, bytes]:
    """Media type and body of a problem that was met before the call came to the API."""
    return MEDIA_TYPE, document_of(status, CODES.get(status, "refused"), detail).encode()


def from_portal_error(error: PortalError) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    errors = list(fields_of(error)) or None
    return answer(error.status, error.code, in_words(error), errors=errors, headers=headers, **offers_of(error))


def offers_of(error: PortalError) -> dict[str, object]:
    """What would do instead, or what is in the way."""
    if isinstance(error, DatesDoNotFit):
        return {"misfits": [misfit_of(one) for one in error.misfits]}
    if not isinstance(error, ClassDoesNotFit):
        return {}
    return {"alternatives": list(error.alternatives), "seats_that_fit": error.seats_that_fit}


def misfit_of(misfit: Misfit) -> DateProblem:
    return DateProblem(lab_session=misfit.lab_session_id, starts_at=misfit.starts_at, detail=in_words(misfit.error))


def fields_of(error: PortalError) -> Iterator[FieldProblem]:
    if isinstance(error, InvalidOrder):
        for one in error.errors:
            yield from fields_of(one)
    elif error.field:
        yield FieldProblem(field=FIELDS.get(error.field, error.field), message=in_words(error))


def from_api_error(error: HTTPError) -> Response:
    """What the schemas refuse becomes a list of fields."""
    status = error.status_code
    if not isinstance(error.__cause__, ValidationError):
        return answer(status, CODES.get(status, "refused"), error.message or "")
    errors = [FieldProblem(field=field, message=message) for field, message in refused(error.__cause__)]
    return answer(status, CODES.get(status, "refused"), translated(REFUSED), errors=errors)


def from_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    kept = {name: value for name, value in error.get_headers() if name.lower() in {"allow", "retry-after"}}
    return answer(status, CODES.get(status, "refused"), description_of(error), headers=kept)


def description_of(error: HTTPException) -> str:
    """Our own sentences are translated where they are raised; werkzeug's are replaced."""
    if error.description != type(error).description:
        return error.description or ""
    return translated(SENTENCES.get(error.code or 500, "")) or error.description or ""


def from_surprise(error: Exception) -> Response:
    log.error("surprise in the API", exc_info=error)
    return answer(500, CODES[500], translated(SENTENCES[500]))
