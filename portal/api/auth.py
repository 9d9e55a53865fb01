"""Who calls: a Bearer token, nothing else. Cookies are not looked at, so no page of others can call in one's name.

An account's token opens what its roles permit; a student's key opens the student's own seat, until the class ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import ParamSpec, TypeVar

from flask import Response, current_app, g, request

from portal.api.context import actor, now, reading, writing
from portal.api.languages import translated
from portal.api.problems import answer
from portal.api.tries import WrongTries
from portal.core.errors import N_, NotAllowed
from portal.core.policy import Permission
from portal.services import accounts, students, tokens

P = ParamSpec("P")
R = TypeVar("R")
GUARD = "vivero_guard"
MOST_BAD = 30
WITHIN = timedelta(minutes=5)
MOST_WRONG_CODES = 10
WRONG_CODES_WITHIN = timedelta(minutes=10)  # as on the page that asks for the code
OPEN_ENDPOINTS = frozenset({"openapi.spec", "join.join"})


@dataclass(frozen=True)
class Guard:
    """Whose calls a route takes: accounts with the permission, students with the key of their class, or both."""

    permission: Permission | None = None
    students: bool = False


def bad_tokens() -> WrongTries:
    """Wrong tokens by address. Good tokens from there still work: many share one address."""
    return WrongTries(MOST_BAD, WITHIN)


def wrong_codes() -> WrongTries:
    """Codes that open no class, by address. After too many of them right ones have to wait too, as they were guessed.

    Codes that are right do not count: a whole class may sit behind one address.
    """
    return WrongTries(MOST_WRONG_CODES, WRONG_CODES_WITHIN)


def permission(needed: Permission, *, or_student: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Name the permission that a route needs somewhere; for which department is checked by the services."""
    return guarded(Guard(needed, or_student))


def student_call(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a route for students: what it shows and changes is their own."""
    return guarded(Guard(students=True))(view)


def guarded(guard: Guard) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def mark(view: Callable[P, R]) -> Callable[P, R]:
        setattr(view, GUARD, guard)
        return view

    return mark


def guard_of(endpoint: str | None) -> Guard:
    """A route that was never marked is for nobody."""
    view = current_app.view_functions.get(endpoint or "")
    return getattr(view, GUARD, Guard())


def check_token() -> Response | None:
    """Before every route: no token, no answer; a route that names no permission is refused."""
    if request.endpoint in OPEN_ENDPOINTS:
        return None
    guard, token_text = guard_of(request.endpoint), bearer_token()
    if guard.students and token_text and knows_student(token_text):
        return None
    if not token_text or not knows_account(token_text):
        return no_token(wrong=token_text is not None)
    if request.endpoint is not None and (guard.permission is None or not actor().may(guard.permission)):
        raise NotAllowed(N_("You may not do this."))
    return None


def knows_account(token_text: str) -> bool:
    """If this is an account's token, the call is on the account's behalf from here on."""
    with reading() as db:
        token = tokens.token_of(db, token_text, now())
        if token is None or not token.account.active:
            return False
        g.actor = accounts.actor_of(token.account)
        note_is_due = token.last_used_at is None or now() - token.last_used_at > tokens.USED_EVERY
    if note_is_due:  # seldom, so that reading calls do not write
        with writing() as db:
            tokens.note_use(db, token_text, now())
    return True


def knows_student(key: str) -> bool:
    """If this is the key of somebody in a class that is not over, the call is theirs from here on."""
    with reading() as db:
        student = students.student_of(db, key)
        if student is None:
            return False
        g.student_key_hash, g.student_locale = student.key_hash, student.locale
    return True


def bearer_token() -> str | None:
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if kind.lower() == "bearer" and text.strip() else None


def no_token(*, wrong: bool) -> Response:
    tries: WrongTries = current_app.extensions["vivero_bad_tokens"]
    if wrong and tries.count(request.remote_addr or "", now()):
        return answer(429, "too-often", translated(N_("Too many wrong tokens. Please wait.")), headers=tries.wait)
    challenge = 'Bearer error="invalid_token"' if wrong else "Bearer"
    text = N_("The token is not right, or it is over.") if wrong else N_("This call needs a token.")
    return answer(401, "no-token", translated(text), headers={"WWW-Authenticate": challenge})
