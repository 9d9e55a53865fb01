"""What each call asks of the moment: the site, the time, the person behind the token, the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import cast

from flask import current_app, g
from sqlalchemy.orm import Session

from portal.core.errors import N_, NotAllowed
from portal.core.policy import Actor
from portal.models import Student
from portal.services import students
from portal.site import Site


def site() -> Site:
    return cast(Site, current_app.extensions["vivero"])


def now() -> datetime:
    """One present for the whole call."""
    if "now" not in g:
        g.now = site().clock()
    return cast(datetime, g.now)


def actor() -> Actor:
    """Put there by auth.check_token, before every route."""
    return cast(Actor, g.actor)


def is_student() -> bool:
    """True if the call came with the key of a class rather than with an account's token."""
    return "student_key_hash" in g


def student(db: Session) -> Student:
    """Whose key the call came with; the class may have ended since it came."""
    found = students.student_by_hash(db, g.student_key_hash)
    if found is None:
        raise NotAllowed(N_("The class is over."))
    return found


@contextmanager
def reading() -> Iterator[Session]:
    with site().sessions() as db:
        yield db


@contextmanager
def writing() -> Iterator[Session]:
    """Committed at the end of the block; all of it or nothing."""
    with site().write_sessions.begin() as db:
        yield db


@contextmanager
def switching() -> Iterator[Session]:
    """For services that end their transaction while a host works (services/transactions.py): committed at the end."""
    with site().write_sessions() as db:
        yield db
        db.commit()


def letters() -> dict[str, str]:
    """What letters with links are written with."""
    return {"base_url": site().settings.base_url, "timezone": site().settings.timezone}
