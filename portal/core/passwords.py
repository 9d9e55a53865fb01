"""What a password must be and when a log-in is locked (a published profile of the ENS, category medium)."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.core.errors import N_, Invalid

SHORTEST = 14
LONGEST = 200  # what is hashed is bounded
TRIES = 5
LOCKED_FOR = timedelta(minutes=15)


def check_password(password: str, *, login: str) -> None:
    """Length beats odd characters: a sentence of four words is fine."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(
            N_("A password has at least %(shortest)s characters: four words make a good one."),
            field="password",
            shortest=SHORTEST,
        )
    if login.lower() in password.lower():
        raise Invalid(N_("The password must not contain the user name."), field="password")
    if len(set(password)) < 5:
        raise Invalid(N_("This password repeats too few characters."), field="password")


def lock_until(failed_logins: int, now: datetime) -> datetime | None:
    """Each fifth failed try locks for a quarter of an hour."""
    return now + LOCKED_FOR if failed_logins >= TRIES and failed_logins % TRIES == 0 else None
