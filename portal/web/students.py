"""The key of a class in the browser: given when somebody joins, never readable by a script."""

from __future__ import annotations

from datetime import timedelta

from werkzeug.wrappers import Response as AnyResponse

from portal.services import students
from portal.services.students import Joined
from portal.web.context import SEAT_COOKIE, close_db, now, site, student

KEPT_FOR = timedelta(hours=24)  # the key itself ends with the class


def give_key(answer: AnyResponse, joined: Joined) -> None:
    """The same attributes as the cookie of a log-in; it stays when the browser is closed by mistake."""
    answer.set_cookie(
        site().settings.cookie(SEAT_COOKIE),
        joined.key,
        max_age=KEPT_FOR,
        path="/",
        samesite="Lax",
        httponly=True,
        secure=site().settings.is_https,
    )


def note_presence() -> None:
    """Write down that the student is there, at most every half minute and in a transaction of its own."""
    if not students.needs_touch(student(), now()):
        return
    key_hash = student().key_hash
    close_db()
    with site().write_sessions.begin() as db:
        students.touch(db, key_hash, now())
