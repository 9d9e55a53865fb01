"""Flask's session over our login_sessions table; visitors who are not logged in carry a signed cookie instead.

So nobody can fill the database without logging in, and a stolen database holds no key that opens a log-in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from flask import Flask, Request, Response, g
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from sqlalchemy.orm import Session
from werkzeug.datastructures import CallbackDict

from portal.services import login_sessions
from portal.site import Site
from portal.web.context import close_db, is_background

COOKIE = "vivero_session"
VISITOR_COOKIE = "vivero_visit"


class LoginData(CallbackDict[str, Any], SessionMixin):
    """The data of one log-in, kept in its row. `over` ends it with this answer."""

    def __init__(self, key: str, data: Mapping[str, Any]) -> None:
        super().__init__(data, on_update=note_change)
        self.key = key
        self.modified = False
        self.over = False


def note_change(data: Any) -> None:
    data.modified = True


class Sessions(SecureCookieSessionInterface):
    """Reads with one look-up by primary key; writes only when something changed or a minute has passed."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def get_cookie_name(self, app: Flask) -> str:
        return self.site.settings.cookie(VISITOR_COOKIE)

    def get_cookie_secure(self, app: Flask) -> bool:
        return self.site.settings.is_https

    @property
    def cookie(self) -> str:
        return self.site.settings.cookie(COOKIE)

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:  # type: ignore[override]
        key = request.cookies.get(self.cookie, "")
        if 0 < len(key) <= 200 and not request.path.startswith(("/static/", "/api/")):
            found = self.find(key, self.site.clock())
            if found is not None:
                return found
        return super().open_session(app, request)

    def find(self, key: str, now: datetime) -> LoginData | None:
        with self.site.sessions() as db:
            row = login_sessions.load(db, key, now, idle_minutes=self.site.settings.idle_minutes)
            if row is None or row.account_id is None:
                return None
            g.login_account_id = row.account_id
            g.login_key = key
            g.touch_login = login_sessions.needs_touch(row, now)
            return LoginData(key, row.data)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, LoginData):
            super().save_session(app, session, response)
            return
        secure = self.site.settings.is_https
        if session.over:
            response.delete_cookie(self.cookie, path="/", samesite="Lax", httponly=True, secure=secure)
        elif session.modified or (g.get("touch_login") and not is_background()):
            close_db()  # the page is done; its write lock must not stand in our own way
            self.keep(session)
        response.vary.add("Cookie")

    def keep(self, session: LoginData) -> None:
        now = self.site.clock()
        with self.site.write_sessions.begin() as db:
            if session.modified:
                login_sessions.save(db, session.key, dict(session), now)
            else:
                login_sessions.touch(db, login_sessions.hash_of(session.key), now)

    def log_in(
        self, db: Session, response: Response, *, account_id: UUID, now: datetime, data: Mapping[str, Any] | None = None
    ) -> None:
        """A new key for each log-in, never one from before it. The caller commits."""
        hours = self.site.settings.absolute_hours
        key = login_sessions.open_session(db, account_id=account_id, now=now, data=data, absolute_hours=hours)
        secure = self.site.settings.is_https
        response.set_cookie(self.cookie, key, path="/", samesite="Lax", httponly=True, secure=secure)

    def log_out(self, db: Session, session: SessionMixin) -> None:
        if isinstance(session, LoginData):
            login_sessions.end(db, session.key)
            session.over = True


def current_key() -> str | None:
    """The key of this browser's log-in, for what is bound to it."""
    return cast("str | None", g.get("login_key"))
