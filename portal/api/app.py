"""Builds the API as an application of its own, with its OpenAPI description."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask
from flask import Request, Response
from werkzeug.exceptions import BadRequest

from portal.api import (
    approvals,
    audit,
    class_approvals,
    class_board,
    class_changes,
    class_people,
    hosts,
    join,
    keepings,
    lab_sessions,
    lab_trials,
    labs,
    seats,
    templates,
    timetables,
    vm_requests,
    vms,
)
from portal.api.auth import bad_tokens, check_token, wrong_codes
from portal.api.openapi import complete
from portal.api.problems import init_problems
from portal.site import Site

LARGEST_BODY = 256 * 1024
BLUEPRINTS = (
    templates.bp,
    vm_requests.bp,
    approvals.bp,
    vms.bp,
    labs.bp,
    class_approvals.bp,
    lab_trials.bp,
    lab_sessions.bp,
    timetables.bp,
    class_board.bp,
    class_changes.bp,
    class_people.bp,
    seats.bp,
    join.bp,
    keepings.bp,
    hosts.bp,
    audit.bp,
)


class ApiRequest(Request):
    """A call without a body counts as one with an empty object: `approve` needs no wishes."""

    def get_json(self, *args: Any, **kwargs: Any) -> Any:
        if not self.get_data(cache=True):
            return {}
        try:
            return super().get_json(*args, **kwargs)
        except RecursionError as error:
            raise BadRequest("the body is nested too deeply") from error


class ApiApp(APIFlask):
    request_class = ApiRequest


def make_api(site: Site) -> APIFlask:
    """It is reached under /api/v1 (see `register`); its own paths have no prefix."""
    app = ApiApp(
        "portal.api", title="Vivero", version="1", spec_path="/openapi.json", docs_path=None, json_errors=False
    )
    app.config.update(
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        OPENAPI_VERSION="3.1.0",
        SERVERS=[{"url": "/api/v1"}],
    )
    app.extensions["vivero"] = site
    app.extensions["vivero_bad_tokens"] = bad_tokens()
    app.extensions["vivero_wrong_codes"] = wrong_codes()
    app.before_request(check_token)
    app.after_request(add_headers)
    init_problems(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.spec_processor(complete)
    return app


def add_headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
