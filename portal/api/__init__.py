"""REST under /api/v1: the same services and the same permissions as the pages."""

from __future__ import annotations

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from portal.api.app import make_api
from portal.site import Site

PREFIX = "/api/v1"

__all__ = ["PREFIX", "make_api", "register"]


def register(app: Flask, site: Site) -> None:
    """Put the API beside the pages: an application of its own, so that no cookie, form token or page error gets in."""
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {PREFIX: make_api(site).wsgi_app})  # type: ignore[method-assign]
