"""Who stands behind an open connection: the log-in cookie of the pages, and the pages' own origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from portal.config import Settings
from portal.core.policy import Actor
from portal.models import Account
from portal.services import accounts, login_sessions
from portal.site import Site

COOKIE = "vivero_session"
SEAT_COOKIE = "vivero_seat"  # a student's key, of one class (portal/web/students.py sets it)
LONGEST_KEY = 200
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Visitor:
    actor: Actor
    login_session_hash: str


def headers_of(scope: Mapping[str, Any], name: bytes) -> Iterable[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def login_key(scope: Mapping[str, Any], settings: Settings) -> str | None:
    """The key in the log-in cookie, read as the pages read it."""
    return cookie_of(scope, settings.cookie(COOKIE))


def seat_key(scope: Mapping[str, Any], settings: Settings) -> str | None:
    """The key in a student's cookie."""
    return cookie_of(scope, settings.cookie(SEAT_COOKIE))


def cookie_of(scope: Mapping[str, Any], name: str) -> str | None:
    key = next(iter(cookies_of(scope, name)), "")
    return key if 0 < len(key) <= LONGEST_KEY else None


def cookies_of(scope: Mapping[str, Any], name: str) -> list[str]:
    """All values of this name. Other sites' cookies beside them may hold any bytes and break nothing."""
    pairs = (part.partition("=") for text in headers_of(scope, b"cookie") for part in text.split(";"))
    return [value.strip() for key, _, value in pairs if key.strip() == name]


def visitor_of(site: Site, key: str | None) -> Visitor | None:
    """The active account of a living log-in. Reads the database: never called in the event loop."""
    if key is None:
        return None
    with site.sessions() as db:
        row = login_sessions.load(db, key, site.clock(), idle_minutes=site.settings.idle_minutes)
        account = db.get(Account, row.account_id) if row and row.account_id else None
        if row is None or account is None or not account.active:
            return None
        return Visitor(accounts.actor_of(account), row.key_hash)


def from_our_pages(scope: Mapping[str, Any], base_url: str) -> bool:
    """True if the browser says that one of our own pages opens this. No Origin, two, or "null" are refused.

    The names of this machine itself are one: who opens http://localhost:8080 meets the same server as 127.0.0.1.
    """
    origins = list(headers_of(scope, b"origin"))
    return len(origins) == 1 and origin_of(origins[0]) is not None and origin_of(origins[0]) == origin_of(base_url)


def origin_of(url: str) -> tuple[str, str, int] | None:
    parts = urlsplit(url)
    try:
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None:
        return None
    return parts.scheme, "localhost" if parts.hostname in LOOPBACK else parts.hostname, port
