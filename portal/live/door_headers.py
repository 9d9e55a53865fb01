"""What of HTTP's headers passes a door: neither our cookies inwards, nor outwards what would reach beyond the door."""

from __future__ import annotations

import re
from collections.abc import Iterable

from portal.live.asgi_types import Scope

Headers = list[tuple[bytes, bytes]]

OURS = re.compile(rb"(__host-)?vivero_", re.IGNORECASE)
HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
KEPT_FROM_GUESTS = HOP_BY_HOP | {b"expect", b"forwarded", b"cookie", b"content-length"}
KEPT_FROM_BROWSERS = HOP_BY_HOP | {
    b"alt-svc",
    b"clear-site-data",  # would take the browser's cookies of other doors along
    b"content-length",
    b"date",  # the server writes its own
    b"public-key-pins",
    b"service-worker-allowed",
    b"strict-transport-security",
    b"x-sendfile",
}
SPOKEN_TO_PROXIES = (b"x-accel-",)  # the proxy before us would follow an X-Accel-Redirect into the portal
DOMAIN = re.compile(rb";\s*domain\s*(=[^;]*)?(?=;|$)", re.IGNORECASE)
NAME = re.compile(rb"\s*([^=;\s]*)")


def to_guest(scope: Scope, *, scheme: str) -> Headers:
    """A browser's headers for the machine; how its body is framed is said by `framing_of`."""
    passed = [
        (name, value)
        for name, value in scope["headers"]
        if name not in dropped(scope["headers"], KEPT_FROM_GUESTS) and not name.startswith(b"x-forwarded-")
    ]
    cookies = [cookie for name, value in scope["headers"] if name == b"cookie" for cookie in guests_cookies(value)]
    if cookies:
        passed.append((b"cookie", b"; ".join(cookies)))
    client = scope.get("client")
    passed.append((b"x-forwarded-proto", scheme.encode()))
    return passed + ([(b"x-forwarded-for", client[0].encode())] if client else [])


def framing_of(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """How long the body is: as it was said, or in chunks; nothing where there is none."""
    said = {name.lower(): value for name, value in headers}
    if b"transfer-encoding" in said:
        return [(b"transfer-encoding", b"chunked")]
    return [(b"content-length", said[b"content-length"])] if b"content-length" in said else []


def from_guest(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """A machine's headers for the browser, with its cookies bound to this one origin."""
    headers = [(name.lower(), value) for name, value in headers]
    kept = dropped(headers, KEPT_FROM_BROWSERS)
    passed = []
    for name, value in headers:
        if name in kept or name.startswith(SPOKEN_TO_PROXIES):
            continue
        if name == b"set-cookie":
            if is_ours(value):
                continue
            value = DOMAIN.sub(b"", value)
        passed.append((name, value))
    if all(name != b"referrer-policy" for name, _ in passed):
        # not no-referrer: with that, browsers send forms with "Origin: null", which careful applications refuse
        passed.append((b"referrer-policy", b"same-origin"))
    passed.append((b"x-accel-buffering", b"no"))  # nginx would keep a stream back
    if b"transfer-encoding" in {name for name, _ in headers}:
        return passed
    return passed + [(name, value) for name, value in headers if name == b"content-length"][:1]


def dropped(headers: Iterable[tuple[bytes, bytes]], always: frozenset[bytes]) -> frozenset[bytes]:
    """`always`, and what the Connection header names as being for the next hop only."""
    named = [value for name, value in headers if name.lower() == b"connection"]
    return always | {token.strip().lower() for value in named for token in value.split(b",")}


def guests_cookies(value: bytes) -> list[bytes]:
    return [cookie.strip() for cookie in value.split(b";") if cookie.strip() and not is_ours(cookie)]


def is_ours(cookie: bytes) -> bool:
    name = NAME.match(cookie)
    return name is not None and OURS.match(name.group(1)) is not None
