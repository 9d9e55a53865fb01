"""What each page asks of the moment: the site, the database, the person, the time; and the permission it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ParamSpec, TypeVar, cast
from uuid import UUID

from flask import current_app, g, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from portal.core.errors import N_, NotAllowed
from portal.core.policy import Actor, Permission
from portal.models import Account, Student
from portal.services import accounts, students
from portal.site import Site

P = ParamSpec("P")
R = TypeVar("R", bound=ResponseReturnValue)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
GUARD = "vivero_guard"


@dataclass(frozen=True)
class Guard:
    """What a route demands. Neither public, a student nor a permission: any account that is logged in."""

    public: bool = False
    permission: Permission | None = None
    student: bool = False


BACKGROUND = "vivero_background"
SEAT_COOKIE = "vivero_seat"  # a student's key: portal/web/students.py gives it, live/visitors.py reads it too


def site() -> Site:
    return cast(Site, current_app.extensions["vivero"])


def now() -> datetime:
    """One present for the whole page."""
    if "now" not in g:
        g.now = site().clock()
    return cast(datetime, g.now)


def db() -> Session:
    """The page's database session; on a page that changes something it may write. Whoever changes, commits."""
    if "db" not in g:
        g.db = site().sessions() if request.method in SAFE_METHODS else site().write_sessions()
    return cast(Session, g.db)


def close_db(_error: BaseException | None = None) -> None:
    """What was not committed is rolled back."""
    opened = g.pop("db", None)
    g.pop("student", None)
    if opened is not None:
        opened.close()


def read_again() -> None:
    """After the commit: what is still shown is read without keeping other writers waiting."""
    close_db()
    g.db = site().sessions()


def login_account_id() -> UUID | None:
    """Whose log-in this browser holds, as the session found it."""
    return cast("UUID | None", g.get("login_account_id"))


def account() -> Account | None:
    """The person's account; none before log-in or when it was shut out."""
    if "account" not in g:
        account_id = login_account_id()
        found = db().get(Account, account_id) if account_id else None
        g.account = found if found and found.active else None
    return cast("Account | None", g.account)


def actor_or_none() -> Actor | None:
    if "actor" not in g:
        person = account()
        g.actor = accounts.actor_of(person) if person else None
    return cast("Actor | None", g.actor)


def actor() -> Actor:
    """The person on whose behalf the page acts; only on routes that are not public."""
    person = actor_or_none()
    if person is None:
        raise NotAllowed(N_("Please log in."))
    return person


def own_key() -> str | None:
    """The key of a class that this browser holds."""
    return request.cookies.get(site().settings.cookie(SEAT_COOKIE))


def student_or_none() -> Student | None:
    """Who sits behind this browser by the key of a class, beside whatever account is logged in."""
    if "student" not in g:
        g.student = students.student_of(db(), own_key())
    return cast("Student | None", g.student)


def student() -> Student:
    """The student whose seat this is; only on pages for students."""
    found = student_or_none()
    if found is None:
        raise NotAllowed(N_("Please join the class first."))
    return found


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a route that everybody may call, logged in or not."""
    setattr(view, GUARD, Guard(public=True))
    return view


def any_account(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a route for every account: what it shows is the person's own, and the services check the rest."""
    setattr(view, GUARD, Guard())
    return view


def student_page(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a route for students who have joined a class; an account that is logged in changes nothing."""
    setattr(view, GUARD, Guard(student=True))
    return view


def permission(needed: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a route with the permission it needs somewhere; for which department is checked by the services."""

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        setattr(view, GUARD, Guard(permission=needed))
        return view

    return mark


def background(view: Callable[P, R]) -> Callable[P, R]:
    """Mark a route that pages call by themselves: it does not count as a sign of the person (idle log-ins end)."""
    setattr(view, BACKGROUND, True)
    return view


def is_background() -> bool:
    return bool(request.endpoint) and hasattr(current_app.view_functions[request.endpoint or ""], BACKGROUND)


def guard_of(view: Callable[..., object]) -> Guard | None:
    """None for a route that was never marked: it is refused."""
    return cast("Guard | None", getattr(view, GUARD, None))
