"""Who calls: a Bearer token, nothing else. Cookies are not looked at, so no page of others can call in one's name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import ParamSpec, TypeVar

from flask import Response, current_app, g, request

from portal.api.context import actor, now, reading, writing
from portal.api.languages import translated
from portal.api.problems import answer
from portal.core.errors import N_, NotAllowed
from portal.core.policy import Permission
from portal.services import accounts, tokens

P = ParamSpec("P")
R = TypeVar("R")
GUARD = "vivero_permission"
MOST_BAD = 30
WITHIN = timedelta(minutes=5)
MOST_ADDRESSES = 5000
OPEN_ENDPOINTS = frozenset({"openapi.spec"})


class BadTokens:
    """Counts wrong tokens by address. Good tokens from there still work: many share one address."""

    def __init__(self) -> None:
        self._tries: OrderedDict[str, list[datetime]] = OrderedDict()
        self._lock = Lock()

    def count(self, address: str, at: datetime) -> bool:
        """Note one more; True if there were too many."""
        with self._lock:
            recent = [one for one in self._tries.pop(address, []) if at - one < WITHIN][-MOST_BAD:]
            self._tries[address] = [*recent, at]
            while len(self._tries) > MOST_ADDRESSES:
                self._tries.popitem(last=False)
            return len(recent) >= MOST_BAD


def permission(needed: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Name the permission that a route needs somewhere; for which department is checked by the services."""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        setattr(view, GUARD, needed)
        return view

    return mark


def guard_of(endpoint: str | None) -> Permission | None:
    view = current_app.view_functions.get(endpoint or "")
    return getattr(view, GUARD, None)


def check_token() -> Response | None:
    """Before every route: no token, no answer; a route that names no permission is refused."""
    if request.endpoint in OPEN_ENDPOINTS:
        return None
    token_text = bearer_token()
    with reading() as db:
        token = tokens.token_of(db, token_text, now()) if token_text else None
        if token is None or not token.account.active:
            return no_token(wrong=token_text is not None)
        g.actor = accounts.actor_of(token.account)
        note_is_due = token.last_used_at is None or now() - token.last_used_at > tokens.USED_EVERY
    if note_is_due:  # seldom, so that reading calls do not write
        with writing() as db:
            tokens.note_use(db, str(token_text), now())
    needed = guard_of(request.endpoint)
    if request.endpoint is not None and (needed is None or not actor().may(needed)):
        raise NotAllowed(N_("You may not do this."))
    return None


def bearer_token() -> str | None:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" and text.strip() else None


def no_token(*, wrong: bool) -> Response:
    bad_tokens: BadTokens = current_app.extensions["vivero_bad_tokens"]
    if wrong and bad_tokens.count(request.remote_addr or "", now()):
        wait = {"Retry-After": str(int(WITHIN.total_seconds()))}
        return answer(429, "too-often", translated(N_("Too many wrong tokens. Please wait.")), headers=wait)
    challenge = 'Bearer error="invalid_token"' if wrong else "Bearer"
    text = N_("The token is not right, or it is over.") if wrong else N_("This call needs a token.")
    return answer(401, "no-token", translated(text), headers={"WWW-Authenticate": challenge})
