"""Passwords are kept as argon2 hashes."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


@cache
def hasher() -> PasswordHasher:
    """19 MiB and three passes: OWASP's memory with one pass more, so that many log-ins at once stay small."""
    return PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)


@cache
def nobodys_hash() -> str:
    """Compared for unknown log-ins, so that they take as long as known ones."""
    return hasher().hash(secrets.token_urlsafe(32))


def hash_password(password: str) -> str:
    return hasher().hash(password)


def password_fits(password_hash: str | None, password: str) -> bool:
    """Takes the same time whether there is a hash or not."""
    try:
        fits = hasher().verify(password_hash or nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash is not None


def random_password() -> str:
    """Four groups, easy to read aloud over the telephone; 80 bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
