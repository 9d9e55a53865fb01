"""The key of a class in the browser: given when somebody joins, never readable by a script."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Response as AnyResponse

from portal.models.turns import UNHURRIED, Busy
from portal.services import students
from portal.services.students import Joined
from portal.web.context import SEAT_COOKIE, close_db, now, own_key, site, student

KEPT_FOR = timedelta(hours=24)  # the key itself ends with the class


def give_key(answer: AnyResponse, joined: Joined) -> None:
    """The same attributes as the cookie of a log-in; it stays when the browser is closed by mistake."""
    answer.set_cookie(
        site().settings.cookie(SEAT_COOKIE),
        joined.key,
        max_age=KEPT_FOR,
        **attributes(),
    )


def attributes() -> dict[str, Any]:
    return {"path": "/", "samesite": "Lax", "httponly": True, "secure": site().settings.is_https}


def keep_key(answer: AnyResponse, until: datetime) -> None:
    """The key of a kept seat is needed for as long as that is there, so that a closed browser loses nothing."""
    key = own_key()
    if key:
        name = site().settings.cookie(SEAT_COOKIE)
        answer.set_cookie(name, key, max_age=max(until - now(), KEPT_FOR), **attributes())


def note_presence() -> None:
    """Write down that the student is there, at most every half minute and in a transaction of its own.

    While others write, it is left to the page's next question a few seconds later: nobody waits for this.
    """
    if not students.needs_touch(student(), now()):
        return
    key_hash, is_late = student().key_hash, students.is_touch_late(student(), now())
    close_db()
    with suppress(Busy), site().write_sessions.begin() as db:
        db.connection(execution_options=None if is_late else UNHURRIED)
        students.touch(db, key_hash, now())
