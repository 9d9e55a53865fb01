"""The pages: Flask, one blueprint a noun, server-rendered, working without JavaScript."""

from __future__ import annotations

from typing import Any

from apiflask import APIFlask
from flask import Flask, current_app

from portal.config import ROOT
from portal.site import Site
from portal.web import context
from portal.web.blueprints import BLUEPRINTS
from portal.web.errors import init_errors
from portal.web.formats import init_formats, translated
from portal.web.guards import check_route, csrf
from portal.web.headers import add_headers, nonce
from portal.web.languages import current_language, init_languages, offered_languages
from portal.web.limits import limiter
from portal.web.navigation import menu
from portal.web.seat_signs import init_seat_signs
from portal.web.sessions import Sessions

MOST_UPLOADED_BYTES = 1024 * 1024
FORM_HOURS = 8


def make_app(site: Site) -> APIFlask:
    """Build the application for one site. The API is registered onto it by `wiring`."""
    app = APIFlask(
        "portal.web",
        title="Vivero",
        version="1",
        spec_path="/api/v1/openapi.json",
        docs_path=None,
        static_folder=str(ROOT / "static"),
        template_folder="pages",
        json_errors=False,
    )
    app.config.update(settings_for(site))
    app.extensions["vivero"] = site
    app.session_interface = Sessions(site)
    init_languages(app, default=site.settings.locale, timezone=site.settings.timezone)
    init_formats(app)
    init_seat_signs(app)
    init_errors(app)
    csrf.init_app(app)
    limiter.init_app(app)
    app.before_request(check_route)
    app.after_request(add_headers)
    app.teardown_appcontext(context.close_db)
    app.context_processor(page_words)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    prepare_pages(app)
    return app


def settings_for(site: Site) -> dict[str, Any]:
    return {
        "SECRET_KEY": site.settings.secret_key,
        "MAX_CONTENT_LENGTH": MOST_UPLOADED_BYTES,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_HTTPONLY": True,
        "WTF_CSRF_CHECK_DEFAULT": False,  # guards.check_route asks for the token, after the log-in
        "WTF_CSRF_TIME_LIMIT": FORM_HOURS * 3600,
        "RATELIMIT_STORAGE_URI": "memory://",
        "RATELIMIT_HEADERS_ENABLED": False,
        "OPENAPI_VERSION": "3.1.0",
    }


def prepare_pages(app: Flask) -> None:
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.do")


def page_words() -> dict[str, Any]:
    """What every page may name."""
    return {
        "site": context.site(),
        "site_endpoints": current_app.view_functions,
        "person": context.actor_or_none(),
        "student": context.student_or_none,
        "now": context.now(),
        "menu": menu,
        "nonce": nonce,
        "language": current_language(),
        "languages": offered_languages(),
        "translated": translated,
    }
