"""REST under /api/v1: the same services and the same permissions as the pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from portal.api.app import make_api
from portal.api.languages import translated
from portal.api.problems import CODES, answer, problem_document
from portal.core.errors import N_
from portal.site import Site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROOT = "/api"
PREFIX = "/api/v1"

__all__ = ["PREFIX", "ROOT", "make_api", "problem_document", "register"]


def register(app: Flask, site: Site) -> None:
    """Put the API beside the pages: an application of its own, so that no cookie, form token or page error gets in."""
    api = make_api(site)

    def nothing_here(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Below /api there is nothing but the API: whoever mistypes its address is a program too."""
        with api.request_context(environ):
            text = translated(N_("There is nothing at this address. The API begins at %(prefix)s."))
            return answer(404, CODES[404], text % {"prefix": PREFIX})(environ, start_response)

    mounts: dict[str, WSGIApplication] = {ROOT: nothing_here, PREFIX: api.wsgi_app}
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, mounts)  # type: ignore[method-assign]
